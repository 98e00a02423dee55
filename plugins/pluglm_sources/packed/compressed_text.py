"""Text in packed files, also from behind what is damaged, where they have several members."""

from __future__ import annotations

import zlib
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import BinaryIO

from pluglm_sources.packed.compressed_members import BLOCK, Gzip, Packing, Zstd, next_member

# What `zstd --long=31` asks for, as dumps of posts do; memory is used only as far as there is text to fill it.
WINDOW = 1 << 31
# Packed bytes of a damaged member that are unpacked at once: what is right of the text within them is lost.
STEP = 128


@dataclass(frozen=True, slots=True)
class Break:
    """A place in a packed file where `size` bytes from `offset` on could not be unpacked, or not to their end."""

    offset: int
    size: int
    error: Exception


def pieces_of(path: Path, suffix: str) -> Iterator[bytes | Break]:
    """What a file packed as its suffix says holds, in pieces; behind damage it goes on at the next member that seems to
    hold text.

    Raises:
        OSError: it cannot be opened or read.
    """
    import zstandard

    kind: Packing = Gzip() if suffix == ".gz" else Zstd(b"", WINDOW)
    with path.open("rb", buffering=0) as file:
        size, at, held = file.seek(0, 2), file.seek(0), b""
        while at < size:
            held = held or file.read(BLOCK)
            if not held.strip(b"\0"):
                # gzip lets zeros stand behind the last member.
                at, held = at + len(held), b""
                continue
            member, given = kind.open(file, held), 0
            try:
                while piece := member.read():
                    given += len(piece)
                    yield piece
                held = member.left()
                at = file.seek(0, 1) - len(held)
            except (EOFError, zlib.error, zstandard.ZstdError) as error:
                if isinstance(error, zlib.error):
                    yield from _rest(file, at, given)
                behind = next_member(file, kind, at + 1, size, seems_text)
                yield Break(at, behind - at, error)
                at, held = file.seek(behind), b""


def _rest(file: BinaryIO, at: int, given: int) -> Iterator[bytes]:
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
