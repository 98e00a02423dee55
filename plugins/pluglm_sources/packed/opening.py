"""Opening a file that is compressed as its name or its first bytes say, and what is raised where it is damaged."""

from __future__ import annotations

import io
import zlib
from pathlib import Path

from pluglm_sources.packed.compressed_members import GZIP, ZSTD
from pluglm_sources.packed.compressed_text import Unpacked, unchecked

BLOCK = 1 << 20
SUFFIXES = (".gz", ".bz2", ".zst")
MAGIC = {GZIP[:2]: ".gz", b"BZh": ".bz2", ZSTD: ".zst"}


def open_unpacked(path: Path) -> io.BufferedIOBase:
    """The file's bytes, unpacked as its name says, as far as checksums confirm them.

    Raises:
        OSError: where it cannot be opened.
    """
    return opened_as(path, path.suffix, checked=True)


def opened_as(path: Path, suffix: str, checked: bool = False) -> io.BufferedIOBase:
    """The file's bytes, unpacked as this ending says, or as they are for any other; with `checked`, only what checksums
    confirm.

    Raises:
        OSError: where it cannot be opened.
    """
    file = path.open("rb")
    if suffix not in SUFFIXES:
        return file
    file.close()
    return io.BufferedReader(Unpacked(path, suffix, checked), BLOCK)


def kind_of(path: Path) -> str:
    """The ending that fits the first bytes of a file: .gz, .bz2, .zst, or none."""
    with path.open("rb") as file:
        start = file.read(4)
    return next((kind for magic, kind in MAGIC.items() if start.startswith(magic)), "")


def beginning_of(path: Path, size: int, suffix: str | None = None) -> bytes:
    """The first bytes of a file, unpacked as `suffix` says (by default, its name), as far as they can be had. Their
    checksum is not looked at: they serve to see what a file is.

    Raises:
        OSError: where it cannot be opened.
    """
    return content_of(path, size, path.suffix if suffix is None else suffix)[0]


def content_of(path: Path, most: int, suffix: str) -> tuple[bytes, Exception | None]:
    """The first `most` bytes of a file, unpacked as `suffix` says; and where it is damaged before that, the damage,
    with what could be unpacked before.

    Raises:
        OSError: where it cannot be opened.
    """
    if suffix not in SUFFIXES:
        with path.open("rb") as file:
            return file.read(most), None
    found, pieces = bytearray(), unchecked(path, suffix)
    try:
        while len(found) < most and (piece := next(pieces, b"")):
            found += piece
    except damage_errors() as error:
        if isinstance(error, OSError):
            raise
        return bytes(found), error
    return bytes(memoryview(found)[:most]), None


def damage_errors() -> tuple[type[Exception], ...]:
    """What the unpackers raise on damaged or truncated data, and the system on files it cannot read."""
    import zstandard

    return (OSError, EOFError, zlib.error, zstandard.ZstdError)


def reason_of(error: Exception) -> str:
    """A short code: the system refused, or the data is damaged."""
    return "unreadable" if isinstance(error, OSError) and error.errno is not None else "truncated_or_damaged"
