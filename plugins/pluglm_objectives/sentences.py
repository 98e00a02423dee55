"""Where sentences end, by rules that need no data."""

from __future__ import annotations

import re
from collections.abc import Iterator

# A mark with what closes behind it, before white space; the full stops of Chinese and Japanese; the end of a paragraph;
# the line before an item of a list.
ENDS = re.compile(
    r"[.!?\u2026]+[\"'\u201d\u2019)\]]*(?=\s)|[\u3002\uff01\uff1f]+|\n(?=[ \t]*\n)|\n(?=[ \t]*[-*\u2022] )"
)
ABBREVIATIONS = frozenset(
    "mr mrs ms dr prof st mt rev hon gen col capt lt sgt jr sr vs etc cf al fig figs eq no nos vol vols pp ed eds "
    "approx dept est inc ltd co e.g i.e a.m p.m u.s".split()
)
LAST_WORD = re.compile(r"[\w.]+$")


def sentences(text: str) -> Iterator[str]:
    """The sentences of a text, which joined give it back; white space stands before a sentence, not behind it. Text
    without sentences, such as code, is parted at blank lines."""
    start = 0
    for found in ENDS.finditer(text):
        if found.group()[0] in ".!?\u2026" and not _ends(text, found.start(), found.end()):
            continue
        if text[start : found.end()].strip():
            yield text[start : found.end()]
            start = found.end()
    if text[start:].strip():
        yield text[start:]


def _ends(text: str, mark: int, end: int) -> bool:
    if text[end : end + 80].lstrip()[:1].islower():
        return False
    before = LAST_WORD.search(text, max(0, mark - 20), mark)
    word = before.group() if before else ""
    initial = len(word) == 1 and word.isupper() and word != "I"
    return text[mark] != "." or not (initial or word.lower() in ABBREVIATIONS)
