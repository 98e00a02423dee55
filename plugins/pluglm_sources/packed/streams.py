"""Streams of files that may be packed, read as far as they are whole."""

from __future__ import annotations

import bz2
import gzip
import io
from pathlib import Path
from typing import Any

from pluglm import Unreadable
from pluglm_sources.packed.opening import BLOCK, ZstdFrames, damage_errors, reason_of

MAGIC = {b"\x1f\x8b": "gz", b"BZh": "bz2", b"\x28\xb5\x2f\xfd": "zst"}


class Pieces:
    """A stream that gives what can be read of it: damage ends it, and is kept as `error`."""

    def __init__(self, file: Any) -> None:
        self._file, self._ready = file, bytearray()
        self.error: Exception | None = None
        self.position = 0

    @classmethod
    def of(cls, content: bytes) -> Pieces:
        """Those of bytes in memory."""
        return cls(io.BytesIO(content))

    def take(self, size: int) -> bytes:
        """The next `size` bytes; fewer where the stream ends."""
        while len(self._ready) < size and self._more():
            pass
        taken = bytes(self._ready[:size])
        del self._ready[:size]
        self.position += len(taken)
        return taken

    def skip(self, size: int) -> int:
        """Leave out the next `size` bytes; returns how many there were."""
        left = size
        while left:
            if not self._ready and not self._more():
                break
            gone = min(left, len(self._ready))
            del self._ready[:gone]
            left -= gone
        self.position += size - left
        return size - left

    def peek(self, size: int) -> bytes:
        """The next `size` bytes, which stay."""
        while len(self._ready) < size and self._more():
            pass
        return bytes(self._ready[:size])

    def _more(self) -> bool:
        if self.error is not None:
            return False
        try:
            # Not read(), which would lose what came before the damage.
            block = self._file.read1(BLOCK)
        except damage_errors() as error:
            self.error = error
            return False
        self._ready += block
        return bool(block)


def open_packed(path: Path) -> Any:
    """The bytes of a file that may be packed, as its first bytes say: names of archives often do not.

    Raises:
        OSError: where it cannot be opened.
    """
    with path.open("rb") as file:
        start = file.read(4)
    kind = next((kind for magic, kind in MAGIC.items() if start.startswith(magic)), "")
    if kind == "gz":
        return gzip.GzipFile(path, "rb")
    if kind == "bz2":
        return bz2.BZ2File(path, "rb")
    return io.BufferedReader(ZstdFrames(path), BLOCK) if kind == "zst" else path.open("rb")


def whole(path: Path, most: int) -> bytes | Unreadable:
    """A file's content unpacked, or why it cannot be had; never more than `most` bytes of it in memory."""
    try:
        with open_packed(path) as file:
            pieces = Pieces(file)
            content = pieces.take(most + 1)
    except damage_errors() as error:
        return Unreadable(str(path), reason_of(error), str(error))
    if len(content) > most:
        return Unreadable(str(path), "file_too_large", f"more than {most} bytes")
    if pieces.error is not None:
        return Unreadable(str(path), reason_of(pieces.error), f"at byte {len(content)} unpacked: {pieces.error}")
    return content or Unreadable(str(path), "empty_file")


def gunzipped(content: bytes, most: int, locator: str) -> bytes | Unreadable:
    """What gzip packed, never more than `most` bytes."""
    pieces = Pieces(gzip.GzipFile(fileobj=io.BytesIO(content)))
    found = pieces.take(most + 1)
    if len(found) > most:
        return Unreadable(locator, "file_too_large", f"more than {most} bytes unpacked")
    if pieces.error is not None:
        return Unreadable(locator, "truncated_or_damaged", f"at byte {len(found)} unpacked: {pieces.error}")
    return found
