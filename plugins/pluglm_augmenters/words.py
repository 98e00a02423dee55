"""Words and the white space between them, so that changed text keeps its lines."""

from __future__ import annotations

import re

PIECE = re.compile(r"\S+|\s+")


def pieces_of(text: str) -> tuple[list[str], list[int]]:
    """The text in pieces that join to it again, and which of them are words."""
    pieces = PIECE.findall(text)
    return pieces, [number for number, piece in enumerate(pieces) if not piece.isspace()]


def change_count(alpha: float, words: int) -> int:
    """n = alpha * l of Wei and Zou 2019, and at least one."""
    return max(1, int(alpha * words))


def as_written(word: str, like: str) -> str:
    """`word` with the capitals of `like`: all, the first, or its own."""
    if like.isupper() and len(like) > 1:
        return word.upper()
    return word[:1].upper() + word[1:] if like[:1].isupper() else word
