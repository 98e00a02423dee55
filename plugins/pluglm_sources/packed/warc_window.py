"""A stream as one looks through it: what of it is held in memory, and where in it one is."""

from __future__ import annotations

import zlib
from collections.abc import Callable
from typing import BinaryIO


class Window:
    """What is held of a stream that is read once from front to back; or of a plain `file`, in which one can go back.

    Attributes:
        held, at: the bytes held, and which of them is the place.
        error: what ended the stream early: damage, or more than `limit` bytes `wasted`.
        wasted: bytes let go, not of use to anybody; set it to 0 when there was something of use.
    """

    def __init__(self, more: Callable[[], bytes], limit: int | None = None, file: BinaryIO | None = None) -> None:
        self.held, self.at, self.wasted = b"", 0, 0
        self.error: Exception | None = None
        self.file = file
        self._base, self._more, self._limit, self._ended = 0, more, limit, False

    @property
    def position(self) -> int:
        """The place in the stream."""
        return self._base + self.at

    def reach(self, count: int) -> bool:
        """Whether there are `count` bytes from the place on; then they are held."""
        there = len(self.held) - self.at
        if there >= count:
            return True
        pieces = [self.held[self.at :]] if there else []
        while there < count and not self._ended:
            pieces.append(self._next())
            there += len(pieces[-1])
        self._base, self.held, self.at = self.position, b"".join(pieces), 0
        return there >= count

    def _next(self) -> bytes:
        import zstandard

        piece = b""
        try:
            piece = self._more()
        except (EOFError, zlib.error, zstandard.ZstdError) as error:
            self.error = error
        self._ended = not piece
        return piece

    def waste(self, count: int) -> bool:
        """Go `count` bytes on, or to the end, without holding what is there. Whether there were so many."""
        if self.file is not None and count > len(self.held) - self.at:
            there = self.file.seek(0, 2) - self.position
            self.go_to(self.position + min(count, there))
            return count <= there
        while count > (gone := len(self.held) - self.at):
            self.at += gone
            count -= gone
            self.wasted += gone
            if self._limit is not None and self.wasted > self._limit:
                self.error, self._ended = OverflowError(f"more than {self._limit} bytes without a record"), True
            if not self.reach(1):
                return False
        self.at += count
        self.wasted += count
        return True

    def go_to(self, position: int) -> None:
        """Go anywhere in a plain file."""
        assert self.file is not None, "what is behind in a stream cannot be read again"
        self._base, self.at, self.held, self._ended = self.file.seek(position), 0, b"", False
