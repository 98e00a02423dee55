"""How much of a text repeats: lines, and runs of words."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Sequence
from itertools import accumulate

from pluglm_preprocessors.words.shingling import multipliers


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
