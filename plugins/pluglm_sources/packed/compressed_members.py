"""The members of a packed file (gzip, zstandard, bzip2): each whole in itself, so that reading can begin at any.

A member is unpacked by pieces, so that a small file that unpacks to a huge one fills no memory.

Sources: https://www.rfc-editor.org/rfc/rfc1952; https://iipc.github.io/warc-specifications/specifications/warc-zstd/
"""

from __future__ import annotations

import bz2
import io
import re
import zlib
from collections.abc import Callable
from functools import cache, partial
from pathlib import Path
from typing import Any, BinaryIO, Protocol

BLOCK, PIECE = 1 << 16, 1 << 20
# A block of zstandard can unpack to 128 KiB from 4 bytes: what is unpacked at once stays within 128 MiB.
PACKED = 1 << 12
# What `zstd --long=31` asks for, as dumps of posts do; memory is used only as far as there is content to fill it.
WINDOW = 1 << 31
LARGEST_DICTIONARY = 1 << 27
GZIP, ZSTD, DICTIONARY, BZIP2 = b"\x1f\x8b\x08", b"\x28\xb5\x2f\xfd", b"\x5d\x2a\x4d\x18", b"BZh"
# A stream of bzip2 begins with its first block, or with its end where it is empty.
BZIP2_STREAM = re.compile(rb"BZh[1-9](?:1AY&SY|\x17\x72\x45\x38\x50\x90)")
# What is looked at to see what a member holds: more than gzip's longest table of codes.
GLANCE = 1 << 12


class Member(Protocol):
    """What one member holds."""

    def read(self) -> bytes:
        """The next piece; nothing at the end.

        Raises:
            EOFError: the file ends before the member does.
            zlib.error, zstandard.ZstdError: it is damaged (bzip2's own error is told as zlib's).
        """

    @property
    def ended(self) -> bool:
        """Whether it was read to its end, and its checksum is right."""

    def left(self) -> bytes:
        """What was read of the file and belongs to what is behind the member."""


class Packing(Protocol):
    """How a file is packed: by which bytes a member begins, and how one is opened."""

    magic: bytes

    def open(self, file: BinaryIO, packed: bytes) -> Member:
        """The member that begins with `packed`, which was already read of `file`."""

    def begins(self, packed: bytes, is_one: Callable[[bytes], bool]) -> bool:
        """Whether a member begins here, given GLANCE bytes at least, whose content begins as `is_one` says."""


@cache
def inflater() -> tuple[Callable[[], Any], Any]:
    """What makes an unpacker of gzip, and what it raises on damage: ISA-L's, which is twice as fast, where it is
    installed, and otherwise zlib's."""
    try:
        from isal import isal_zlib
    except ImportError:
        return partial(zlib.decompressobj, 31), zlib.error
    return partial(isal_zlib.decompressobj, 31), isal_zlib.error


class GzipMember:
    def __init__(self, file: BinaryIO, packed: bytes) -> None:
        make, self._damage = inflater()
        self._file, self._packed, self._unpack = file, packed, make()

    def read(self) -> bytes:
        while not self._unpack.eof:
            packed = self._packed or self._file.read(BLOCK)
            if not packed:
                raise EOFError("the file ends within a member")
            try:
                piece: bytes = self._unpack.decompress(packed, PIECE)
            except self._damage as error:
                raise zlib.error(str(error)) from None
            self._packed = self._unpack.unconsumed_tail
            if piece:
                return piece
        return b""

    @property
    def ended(self) -> bool:
        return bool(self._unpack.eof)

    def left(self) -> bytes:
        return bytes(self._unpack.unused_data)


class Gzip:
    """Members of gzip."""

    magic = GZIP

    def open(self, file: BinaryIO, packed: bytes) -> Member:
        return GzipMember(file, packed)

    def begins(self, packed: bytes, is_one: Callable[[bytes], bool]) -> bool:
        return is_one(beginning(self, packed))


class ZstdMember:
    def __init__(self, file: BinaryIO, packed: bytes, unpack: Any) -> None:
        self._file, self._packed, self._unpack = file, packed, unpack

    def read(self) -> bytes:
        while not self._unpack.eof:
            if not self._packed:
                self._packed = self._file.read(BLOCK)
            if not self._packed:
                raise EOFError("the file ends within a frame")
            piece: bytes = self._unpack.decompress(self._packed[:PACKED])
            self._packed = self._packed[PACKED:]
            if piece:
                return piece
        return b""

    @property
    def ended(self) -> bool:
        return bool(self._unpack.eof)

    def left(self) -> bytes:
        return bytes(self._unpack.unused_data) + self._packed


class Zstd:
    """Frames of zstandard, with the dictionary that the file may begin with."""

    magic = ZSTD

    def __init__(self, dictionary: bytes, window: int = WINDOW) -> None:
        import zstandard

        shared = zstandard.ZstdCompressionDict(dictionary) if dictionary else None
        self._unpacker = zstandard.ZstdDecompressor(dict_data=shared, max_window_size=window)

    def open(self, file: BinaryIO, packed: bytes) -> Member:
        return ZstdMember(file, packed, self._unpacker.decompressobj())

    def begins(self, packed: bytes, is_one: Callable[[bytes], bool]) -> bool:
        return is_one(beginning(self, packed))


class Bzip2Member:
    def __init__(self, file: BinaryIO, packed: bytes) -> None:
        self._file, self._packed, self._unpack = file, packed, bz2.BZ2Decompressor()

    def read(self) -> bytes:
        while not self._unpack.eof:
            packed = self._packed if self._unpack.needs_input else b""
            if self._unpack.needs_input and not packed and not (packed := self._file.read(BLOCK)):
                raise EOFError("the file ends within a stream")
            try:
                piece = self._unpack.decompress(packed, PIECE)
            except (OSError, ValueError) as error:
                raise zlib.error(str(error)) from None
            self._packed = b"" if packed else self._packed
            if piece:
                return piece
        return b""

    @property
    def ended(self) -> bool:
        return self._unpack.eof

    def left(self) -> bytes:
        return self._unpack.unused_data


class Bzip2:
    """Streams of bzip2. What they hold shows only once a whole block is there, so that their first bytes decide."""

    magic = BZIP2

    def open(self, file: BinaryIO, packed: bytes) -> Member:
        return Bzip2Member(file, packed)

    def begins(self, packed: bytes, is_one: Callable[[bytes], bool]) -> bool:
        return BZIP2_STREAM.match(packed) is not None


def packing_of(suffix: str) -> Packing:
    """How a file with this ending is packed: .gz, .zst or .bz2."""
    if suffix == ".zst":
        return Zstd(b"")
    return Bzip2() if suffix == ".bz2" else Gzip()


def packing(file: BinaryIO, path: Path) -> tuple[Packing | None, int]:
    """How the file is packed (None: not at all), told by its first bytes, and by its name where these say nothing; and
    where its first member begins."""
    file.seek(0)
    first = file.read(8)
    kind = {GZIP: ".gz", ZSTD: ".zst", DICTIONARY: ".zst", b"WARC/": ""}
    suffix = next((kind[magic] for magic in kind if first.startswith(magic)), path.suffix)
    if suffix == ".gz":
        return Gzip(), 0
    if suffix == ".zst":
        size = int.from_bytes(first[4:], "little") if first.startswith(DICTIONARY) else 0
        return Zstd(_dictionary(file.read(min(size, LARGEST_DICTIONARY)))), size + 8 if size else 0
    return None, 0


def _dictionary(packed: bytes) -> bytes:
    if not packed.startswith(ZSTD):
        return packed
    import zstandard

    unpacker = zstandard.ZstdDecompressor(max_window_size=LARGEST_DICTIONARY)
    return bytes(unpacker.decompress(packed, max_output_size=LARGEST_DICTIONARY))


def next_member(file: BinaryIO, kind: Packing, start: int, size: int, is_one: Callable[[bytes], bool]) -> int:
    """Where the first member at or after `start` begins whose content begins as `is_one` says; the file's `size` where
    none does."""
    held, base = b"", start
    while True:
        file.seek(base + len(held))
        block = file.read(PIECE)
        held += block
        place = held.find(kind.magic)
        while place >= 0 and (len(held) - place >= GLANCE or not block):
            if kind.begins(held[place : place + GLANCE], is_one):
                return base + place
            place = held.find(kind.magic, place + 1)
        if not block:
            return size
        keep = place if place >= 0 else max(len(held) - len(kind.magic) + 1, 0)
        held, base = held[keep:], base + keep


def beginning(kind: Packing, packed: bytes) -> bytes:
    """What the member that begins with these bytes, GLANCE at least, begins with; nothing where it is none."""
    import zstandard

    try:
        return kind.open(io.BytesIO(packed), b"").read()
    except (EOFError, zlib.error, zstandard.ZstdError):
        return b""
