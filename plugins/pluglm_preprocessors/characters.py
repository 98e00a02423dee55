"""Classes of characters for regular expressions, by Unicode's general categories."""

from __future__ import annotations

import re
import sys
import unicodedata
from functools import cache


@cache
def category_class(letters: str) -> str:
    """The characters whose general category begins with one of `letters`, as ranges for the inside of [...].

    The class \\w leaves out the marks (M) that vowels of Hindi, Thai or decomposed accents are written with, so that
    words would break at them.
    """
    parts, start = [], None
    for code in range(sys.maxunicode + 2):
        inside = code <= sys.maxunicode and unicodedata.category(chr(code))[0] in letters
        if inside and start is None:
            start = code
        elif not inside and start is not None:
            parts.append(f"{re.escape(chr(start))}-{re.escape(chr(code - 1))}")
            start = None
    return "".join(parts)
