"""Classes of characters for regular expressions, by Unicode's general categories."""

from __future__ import annotations

import re
import sys
import unicodedata
from functools import cache

ASCII, BMP = 0x7F, 0xFFFF
# Planes 4 to 13 are empty and 15 and 16 for private use (https://www.unicode.org/roadmaps/): to look at what can be
# assigned takes a fifth of the time.
ASSIGNED = (range(0x40000), range(0xE0000, 0xE1000))


def highest(text: str) -> int:
    """The end of the smallest of ASCII, the basic plane and all of Unicode that has every character of a text.

    A class of characters that reaches beyond the basic plane is ten times as slow in `re`, because it is not made into
    a table: so patterns are made for each of the three, and a text gets the fastest that has all it needs.
    """
    if text.isascii():
        return ASCII
    return BMP if len(text.encode("utf-16-le", "surrogatepass")) == 2 * len(text) else sys.maxunicode


@cache
def category_class(letters: str, last: int = sys.maxunicode) -> str:
    """The characters up to `last` whose general category begins with one of `letters`, none of which is C, as ranges
    for the inside of [...].

    The class \\w leaves out the marks (M) that vowels of Hindi, Thai or decomposed accents are written with, so that
    words would break at them.
    """
    parts: list[str] = []
    for codes in ASSIGNED:
        start = None
        for code in range(codes.start, min(codes.stop, last + 1) + 1):
            inside = code < codes.stop and code <= last and unicodedata.category(chr(code))[0] in letters
            if inside and start is None:
                start = code
            elif not inside and start is not None:
                parts.append(f"{re.escape(chr(start))}-{re.escape(chr(code - 1))}")
                start = None
    return "".join(parts)
