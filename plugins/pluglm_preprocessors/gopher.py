"""The rules of Gopher by which prose is told from the rest of the web, as functions of a text and its words.

Each yields the code of a rule with whether it is broken, in the order in which it is cheapest to find out.
"""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Iterator, Sequence
from itertools import accumulate
from typing import TYPE_CHECKING

from pluglm_preprocessors.shingling import multipliers

if TYPE_CHECKING:
    from pluglm_preprocessors.quality import Quality

STOP_WORDS = frozenset({"the", "be", "to", "of", "and", "that", "have", "with"})
BULLETS = ("•", "-")
ELLIPSES = ("...", "…")
TOP_NGRAMS = ((2, 0.20), (3, 0.18), (4, 0.16))
REPEATED_NGRAMS = ((5, 0.15), (6, 0.14), (7, 0.13), (8, 0.12), (9, 0.11), (10, 0.10))

Verdicts = Iterator[tuple[str, bool]]


def repeated(pieces: Sequence[str]) -> tuple[int, int]:
    """How many of the pieces have come before, and of how many characters these are."""
    counts = Counter(pieces)
    characters = sum(len(piece) * (count - 1) for piece, count in counts.items() if count > 1)
    return len(pieces) - len(counts), characters


def most_frequent_ngram(words: Sequence[str], size: int) -> int:
    """Characters of the most frequent n-gram, times how often it stands there, be it once; of several the first."""
    grams = Counter(zip(*(words[start:] for start in range(size)), strict=False))
    gram, count = max(grams.items(), key=lambda item: item[1], default=((), 0))
    return (sum(map(len, gram)) + size - 1) * count if gram else 0


def repeated_ngrams(words: Sequence[str], sizes: Sequence[int]) -> Iterator[int]:
    """For each size, the characters of n-grams that have come before, each word counted once. Sizes ascend."""
    import numpy as np

    numbers: dict[str, int] = {}
    ids = np.array([numbers.setdefault(word, len(numbers)) for word in words], dtype=np.uint64)
    before = list(accumulate(map(len, words), initial=0))
    none = False
    for size in sizes:
        if none or len(words) <= size:
            yield 0
            continue
        # A window is told from another by a hash of 64 bits of its words' numbers.
        windows = np.correlate(ids, multipliers(size), "valid").tolist()
        # Where no n-gram repeats, no longer one does.
        none = len(set(windows)) == len(windows)
        seen: set[int] = set()
        characters = start = 0
        while not none and start < len(windows):
            if windows[start] in seen:
                characters += before[start + size] - before[start]
                start += size
            else:
                seen.add(windows[start])
                start += 1
        yield characters


def word_rules(rules: Quality, text: str, words: list[str]) -> Verdicts:
    """Number and length of words, symbols, letters and stop words (section A.1 of the paper)."""
    spoken = [word for word in words if len(word) > 1 or word.isalnum()]
    yield "too_few_words", len(spoken) < max(1, rules.min_words)
    yield "too_many_words", rules.max_words is not None and len(spoken) > rules.max_words
    mean = sum(map(len, spoken)) / len(spoken)
    yield "short_words", mean < rules.min_mean_word_length
    yield "long_words", rules.max_mean_word_length is not None and mean > rules.max_mean_word_length
    if rules.max_symbol_ratio is not None:
        yield "hashes", text.count("#") / len(words) > rules.max_symbol_ratio
        yield "ellipses", sum(map(text.count, ELLIPSES)) / len(words) > rules.max_symbol_ratio
    lines = text.splitlines()
    if rules.max_bullet_lines is not None:
        share = sum(line.lstrip().startswith(BULLETS) for line in lines) / len(lines)
        yield "bullets", share > rules.max_bullet_lines
    if rules.max_ellipsis_lines is not None:
        share = sum(line.rstrip().endswith(ELLIPSES) for line in lines) / len(lines)
        yield "ellipsis_lines", share > rules.max_ellipsis_lines
    alphabetic = sum(word.isalpha() or any(map(str.isalpha, word)) for word in words) / len(words)
    yield "few_letters", alphabetic < rules.min_alphabetic_words
    yield "few_stop_words", len(STOP_WORDS.intersection(words)) < rules.min_stop_words


def repetition_rules(rules: Quality, text: str, words: list[str]) -> Verdicts:
    """Repeated lines, paragraphs and runs of words (table A1 of the paper)."""
    yield "empty", not text
    for name, pieces in (("paragraphs", re.split(r"\n{2,}", text.strip())), ("lines", re.split(r"\n+", text))):
        count, characters = repeated(pieces)
        if rules.max_repeated_lines is not None:
            yield f"repeated_{name}", count / len(pieces) > rules.max_repeated_lines
        if rules.max_repeated_characters is not None:
            yield f"repeated_{name}_characters", characters / len(text) > rules.max_repeated_characters
    for size, most in TOP_NGRAMS:
        yield f"top_{size}_gram", most_frequent_ngram(words, size) / len(text) > most
    found = repeated_ngrams(words, [size for size, _ in REPEATED_NGRAMS])
    for (size, most), characters in zip(REPEATED_NGRAMS, found, strict=True):
        yield f"repeated_{size}_grams", characters / len(text) > most
