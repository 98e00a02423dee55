"""Streams of files that may be packed, read as far as they are whole."""

from __future__ import annotations

import gzip
import io
from pathlib import Path
from typing import Any

from pluglm import Unreadable
from pluglm_sources.files.paths import shown
from pluglm_sources.packed.opening import BLOCK, content_of, damage_errors, kind_of, opened_as, reason_of


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


def open_packed(path: Path) -> io.BufferedIOBase:
    """The bytes of a file that may be packed, as its first bytes say: names of archives often do not.

    Raises:
        OSError: where it cannot be opened.
    """
    return opened_as(path, kind_of(path))


def whole(path: Path, most: int) -> bytes | Unreadable:
    """A file's content unpacked, or why it cannot be had; never more than `most` bytes of it in memory."""
    try:
        content, damage = content_of(path, most + 1, kind_of(path))
    except OSError as error:
        return Unreadable(shown(path), reason_of(error), str(error))
    if len(content) > most:
        return Unreadable(shown(path), "file_too_large", f"more than {most} bytes")
    if damage is not None:
        return Unreadable(shown(path), reason_of(damage), f"at byte {len(content)} unpacked: {damage}")
    return content or Unreadable(shown(path), "empty_file")


def gunzipped(content: bytes, most: int, locator: str) -> bytes | Unreadable:
    """What gzip packed, never more than `most` bytes."""
    pieces = Pieces(gzip.GzipFile(fileobj=io.BytesIO(content)))
    found = pieces.take(most + 1)
    if len(found) > most:
        return Unreadable(locator, "file_too_large", f"more than {most} bytes unpacked")
    if pieces.error is not None:
        return Unreadable(locator, "truncated_or_damaged", f"at byte {len(found)} unpacked: {pieces.error}")
    return found
