"""The script a text is written in, which decides what some measures mean."""

from __future__ import annotations

import unicodedata
from collections import Counter
from collections.abc import Iterable

KNOWN = (
    "LATIN", "CYRILLIC", "GREEK", "ARABIC", "HEBREW", "DEVANAGARI", "BENGALI", "HANGUL", "HIRAGANA", "KATAKANA", "CJK",
    "THAI", "LAO", "KHMER", "MYANMAR", "TIBETAN",
)  # fmt: skip
KANA = ("HIRAGANA", "KATAKANA")
SPACELESS = ("THAI", "LAO", "KHMER", "MYANMAR", "TIBETAN")
"""Scripts without spaces between words, beside those of China and Japan."""
MOST_CHARACTERS = 200_000
KANA_SHARE = 0.05
"""Of Japanese, a third of the letters or more is kana; in Chinese a few are, in names."""


def letter_counts(texts: Iterable[str]) -> Counter[str]:
    """How many letters of each script are in the beginning of the texts, by its name in Unicode."""
    found: Counter[str] = Counter()
    left = MOST_CHARACTERS
    for text in texts:
        for character, count in Counter(text[:left]).items():
            if character.isalpha():
                name = unicodedata.name(character, "").split()
                found[next((script for script in KNOWN if script in name[:2]), "OTHER")] += count
        left -= len(text)
        if left <= 0:
            break
    return found


def main_script(texts: Iterable[str]) -> str:
    """The script of most letters: "CJK" for Chinese, "KANA" for Japanese, "" where there are no letters."""
    counts = letter_counts(texts)
    if not counts:
        return ""
    kana = sum(counts[script] for script in KANA)
    japanese = kana + counts["CJK"]
    if kana > KANA_SHARE * japanese and japanese >= max(counts.values()):
        return "KANA"
    return counts.most_common(1)[0][0]
