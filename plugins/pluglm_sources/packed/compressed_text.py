"""What packed files hold, member by member: only what a checksum confirms is taken for whole.

A flipped bit shows at the end of a member at the latest, long behind the text that it altered. So a member is unpacked
to its end before anything of it is given. A member that breaks off is believed as far as it goes: nothing in it is
known to be wrong.
"""

from __future__ import annotations

import io
import zlib
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import BinaryIO

from pluglm_sources.packed.compressed_members import BLOCK, GZIP, Member, next_member, packing_of

HOLD = 1 << 26
"""Unpacked bytes of a member that are in memory until its end is reached; a larger one is unpacked twice."""

# Packed bytes of a damaged member that are unpacked at once: what there is of the content within them is not counted.
STEP = 128


@dataclass(frozen=True, slots=True)
class Doubtful:
    """Content of a member whose checksum is wrong, or which cannot be unpacked to its end."""

    content: bytes
    error: Exception


@dataclass(frozen=True, slots=True)
class Break:
    """A place in a packed file where `size` bytes from `offset` on could not be unpacked, or not to their end; it
    stands behind what is `Doubtful` of them."""

    offset: int
    size: int
    error: Exception


@dataclass(frozen=True, slots=True)
class Resumed:
    """Reading goes on behind damage; `whole`: with the beginning of a line, since in this file members hold lines."""

    whole: bool


Piece = bytes | Doubtful | Break | Resumed


def pieces_of(path: Path, suffix: str) -> Iterator[Piece]:
    """What a file packed as its suffix says holds, in pieces; behind damage it goes on at the next member that seems to
    hold text.

    Raises:
        OSError: it cannot be opened or read.
    """
    kind = packing_of(suffix)
    with path.open("rb", buffering=0) as file:
        size, at, held = file.seek(0, 2), file.seek(0), b""
        # Whether the members so far ended with a line end; None while there was none.
        lines, resumes = None, False
        while at < size:
            held = held or file.read(BLOCK)
            if not held.strip(b"\0"):
                # gzip lets zeros stand behind the last member.
                at, held = at + len(held), b""
                continue
            member = kind.open(file, held)
            checked = _checked(member)
            error = checked.error
            if isinstance(error, EOFError) and kind.magic == GZIP and _has_its_end(file, size, checked.size):
                error = zlib.error("the end of the member is damaged")
            if resumes:
                yield Resumed(checked.ends_line if lines is None else lines)
                resumes = False
            if checked.pieces is None:
                file.seek(at)
                member = kind.open(file, b"")
            pieces = _rest(member) if checked.pieces is None else _let_go(checked.pieces)
            if error is None or isinstance(error, EOFError):
                yield from pieces
            else:
                yield from (Doubtful(piece, error) for piece in pieces)
                if kind.magic == GZIP:
                    yield from (Doubtful(piece, error) for piece in _behind(file, at, checked.size))
            if error is None:
                held = member.left()
                at = file.seek(0, 1) - len(held)
                lines = checked.ends_line and lines is not False
            else:
                behind = next_member(file, kind, at + 1, size, seems_text)
                yield Break(at, behind - at, error)
                at, held, resumes = file.seek(behind), b"", True


@dataclass(slots=True)
class _Checked:
    """A member that was unpacked once: its content, unless that is larger than HOLD; its size and how it ends."""

    pieces: list[bytes] | None
    size: int
    ends_line: bool
    error: Exception | None


def _checked(member: Member) -> _Checked:
    import zstandard

    pieces, size, last = list[bytes](), 0, b""
    error: Exception | None = None
    try:
        while piece := member.read():
            size += len(piece)
            last = piece
            if size <= HOLD:
                pieces.append(piece)
            else:
                pieces.clear()
    except (EOFError, zlib.error, zstandard.ZstdError) as damage:
        error = damage
    return _Checked(pieces if size <= HOLD else None, size, last.endswith(b"\n"), error)


def _let_go(pieces: list[bytes]) -> Iterator[bytes]:
    pieces.reverse()
    while pieces:
        yield pieces.pop()


def _rest(member: Member) -> Iterator[bytes]:
    import zstandard

    try:
        while piece := member.read():
            yield piece
    except (EOFError, zlib.error, zstandard.ZstdError):
        # It was met before, and is told behind the pieces.
        return


def _behind(file: BinaryIO, at: int, given: int) -> Iterator[bytes]:
    """What a damaged member of gzip holds behind its first `given` bytes, as far as it can be unpacked."""
    file.seek(at)
    unpack, size = zlib.decompressobj(31), 0
    while packed := file.read(STEP):
        try:
            piece = unpack.decompress(packed)
        except zlib.error:
            return
        if size + len(piece) > given:
            yield piece[max(given - size, 0) :]
        size += len(piece)


def _has_its_end(file: BinaryIO, size: int, given: int) -> bool:
    """Whether the last bytes of a file are those of a member of about so many bytes, which then was not cut short: what
    says where its content ends is damaged, and was passed over."""
    place = file.seek(0, 1)
    file.seek(max(size - 4, 0))
    told = int.from_bytes(file.read(4), "little")
    file.seek(place)
    return abs(told - given % (1 << 32)) <= given // 2 + 1024


def seems_text(content: bytes) -> bool:
    """Whether content begins as text in UTF-8 does."""
    start = content[:1000]
    try:
        start.decode("utf-8")
    except UnicodeDecodeError as error:
        # A character may be cut at either end.
        if error.start < 4 < len(start) - 4:
            return seems_text(start[error.start + 1 :])
        return error.start >= len(start) - 4 > 0
    return bool(start) and b"\0" not in start


def unchecked(path: Path, suffix: str) -> Iterator[bytes]:
    """What a file packed as its suffix says holds, in pieces that no checksum has confirmed yet: what is wrong with a
    member is raised at its end.

    Raises:
        OSError: it cannot be opened or read.
        EOFError, zlib.error, zstandard.ZstdError: it is damaged.
    """
    kind = packing_of(suffix)
    with path.open("rb", buffering=0) as file:
        held = file.read(BLOCK)
        while held:
            # gzip lets zeros stand behind the last member.
            if held.strip(b"\0"):
                member = kind.open(file, held)
                while piece := member.read():
                    yield piece
                held = member.left()
            else:
                held = b""
            held = held or file.read(BLOCK)


def damage_of(path: Path, suffix: str) -> Exception | None:
    """What is wrong with a packed file whose content must not be believed; None where it is whole, or cut short.

    Raises:
        OSError: it cannot be opened or read.
    """
    if not suffix:
        return None
    found = (piece for piece in pieces_of(path, suffix) if not isinstance(piece, bytes))
    return next((piece.error for piece in found if isinstance(piece, Doubtful)), None)


class Unpacked(io.RawIOBase):
    """The content of a packed file as a stream. With `checked`, what no checksum confirms raises the damage instead of
    being read; else it is read up to where the damage shows."""

    def __init__(self, path: Path, suffix: str, checked: bool) -> None:
        self._pieces: Iterator[Piece] = pieces_of(path, suffix) if checked else unchecked(path, suffix)
        self._ready = memoryview(b"")

    def readable(self) -> bool:
        return True

    def readinto(self, buffer: memoryview) -> int:  # type: ignore[override]
        while not self._ready:
            piece = next(self._pieces, None)
            if piece is None:
                return 0
            if isinstance(piece, Doubtful | Break):
                raise piece.error
            self._ready = memoryview(b"" if isinstance(piece, Resumed) else piece)
        size = min(len(buffer), len(self._ready))
        buffer[:size], self._ready = self._ready[:size], self._ready[size:]
        return size
