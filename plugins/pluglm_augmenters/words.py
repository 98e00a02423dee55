"""Words and the white space between them, so that changed text keeps its lines."""

from __future__ import annotations

import re

WORD = re.compile(r"\S+")


def words_and_gaps(text: str) -> tuple[list[str], list[str] | None]:
    """The words, and the white space before, between and after them; None where it is a space between each, which need
    not be looked for."""
    words = text.split()
    return words, None if " ".join(words) == text else WORD.split(text)


def joined(words: list[str], gaps: list[str]) -> str:
    """The text again, of words and what stands before, between and after them."""
    return gaps[0] + "".join([word + gap for word, gap in zip(words, gaps[1:], strict=True)])


def change_count(alpha: float, words: int) -> int:
    """n = alpha * l of Wei and Zou 2019, and at least one."""
    return int(alpha * words) or 1


def as_written(word: str, like: str) -> str:
    """`word` with the capitals of `like`: all, the first, or its own."""
    if like.isupper() and len(like) > 1:
        return word.upper()
    return word[:1].upper() + word[1:] if like[:1].isupper() else word
