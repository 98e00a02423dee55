"""Opening a file that is compressed as its name says, and what is raised where it is damaged."""

from __future__ import annotations

import bz2
import gzip
import io
import zlib
from pathlib import Path
from typing import Any

BLOCK = 1 << 20
# A block of zstandard can unpack to 128 KiB from 4 bytes: what is unpacked at once stays within 128 MiB.
PACKED = 1 << 12


class ZstdFrames(io.RawIOBase):
    """The content of a .zst file of any number of frames. Where one breaks off it raises EOFError, as gzip does;
    zstandard's own reader takes that for the end of the file."""

    def __init__(self, path: Path) -> None:
        self._file = path.open("rb")
        self._frame: Any = None
        self._packed, self._ready = b"", memoryview(b"")

    def readable(self) -> bool:
        return True

    def close(self) -> None:
        self._file.close()
        super().close()

    def readinto(self, buffer: Any) -> int:
        import zstandard

        while not self._ready:
            packed = self._packed or self._file.read(PACKED)
            if not packed:
                if self._frame is not None:
                    raise EOFError("Compressed file ended before the end of a frame")
                return 0
            if self._frame is None:
                self._frame = zstandard.ZstdDecompressor().decompressobj()
            self._ready, self._packed = memoryview(self._frame.decompress(packed)), b""
            if self._frame.eof:
                self._packed, self._frame = self._frame.unused_data, None
        size = min(len(buffer), len(self._ready))
        buffer[:size], self._ready = self._ready[:size], self._ready[size:]
        return size


def open_unpacked(path: Path) -> io.BufferedIOBase:
    """The file's bytes, unpacked as its name says.

    Raises:
        OSError: where it cannot be opened.
    """
    if path.suffix == ".gz":
        return gzip.GzipFile(path, "rb")
    if path.suffix == ".bz2":
        return bz2.BZ2File(path, "rb")
    if path.suffix == ".zst":
        return io.BufferedReader(ZstdFrames(path), BLOCK)
    return path.open("rb")


def damage_errors() -> tuple[type[Exception], ...]:
    """What the unpackers raise on damaged or truncated data, and the system on files it cannot read."""
    import zstandard

    return (OSError, EOFError, zlib.error, zstandard.ZstdError)


def reason_of(error: Exception) -> str:
    """A short code: the system refused, or the data is damaged."""
    return "unreadable" if isinstance(error, OSError) and error.errno is not None else "truncated_or_damaged"
