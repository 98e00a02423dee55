"""Texts as sets of hashed n-grams."""

from __future__ import annotations

import re
from functools import cache
from typing import TYPE_CHECKING

import xxhash

from pluglm_preprocessors.characters import category_class

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

# Bytes of ASCII words in lower case, all other ASCII as a space; what is not ASCII stays.
ASCII_WORDS = bytes(ord(chr(b).lower()) if b >= 128 or chr(b).isalnum() or chr(b) == "_" else 32 for b in range(128))
ASCII_WORDS += bytes(range(128, 256))
MOST_WORDS = 200_000


class _Hashes(dict[bytes, int]):
    """The hash of each word met, because looking a word up takes a third of the time of hashing it."""

    def __missing__(self, word: bytes) -> int:
        if len(self) >= MOST_WORDS:
            self.clear()
        self[word] = found = xxhash.xxh3_64_intdigest(word)
        return found


_hash_of = _Hashes().__getitem__


@cache
def between_words() -> re.Pattern[str]:
    """What stands between words outside of ASCII: words are letters, marks, digits and underscores."""
    return re.compile(rf"[^\x00-\x7f\w{category_class('M')}]+")


@cache
def multipliers(count: int) -> NDArray[np.uint64]:
    """(count,) odd numbers, always the same."""
    import numpy as np

    return np.array([xxhash.xxh3_64_intdigest(b"", seed=number) | 1 for number in range(count)], dtype=np.uint64)


def words(text: str) -> list[bytes]:
    """The words of a text in folded case, as UTF-8."""
    if not text.isascii():
        text = between_words().sub(" ", text.casefold())
    return text.encode("utf-8", "surrogatepass").translate(ASCII_WORDS).split()


def hashes(text: str, unit: str) -> NDArray[np.uint64]:
    """(words or characters,) a hash of each, in order; `unit` is word or character."""
    import numpy as np

    if unit == "word":
        found = words(text)
        return np.fromiter(map(_hash_of, found), np.uint64, len(found))
    codes = np.frombuffer(text.casefold().encode("utf-32-le", "surrogatepass"), np.uint32).astype(np.uint64)
    # The finalizer of MurmurHash3: consecutive codes get hashes far apart.
    codes += np.uint64(1)
    for factor in (0xFF51AFD7ED558CCD, 0xC4CEB9FE1A85EC53):
        codes ^= codes >> np.uint64(33)
        codes *= np.uint64(factor)
    return codes ^ (codes >> np.uint64(33))


def shingles(text: str, ngram: int, unit: str) -> NDArray[np.uint64]:
    """(n,) the sorted, distinct 64-bit hashes of the text's n-grams; a shorter text is one n-gram.

    The hash of an n-gram is the sum of its words' hashes, each times an odd number for its place: as good as hashing
    its text, and a tenth of the work.
    """
    import numpy as np

    parts = hashes(text, unit)
    if not len(parts):
        return parts
    found = np.correlate(parts, multipliers(ngram)[: len(parts)], "valid")
    found.sort()
    first = np.empty(len(found), dtype=bool)
    first[0] = True
    np.not_equal(found[1:], found[:-1], out=first[1:])
    return found[first]


def jaccard(a: NDArray[np.uint64], b: NDArray[np.uint64]) -> float:
    """|a and b| / |a or b| of two sets of shingles; 1 for two empty ones."""
    import numpy as np

    both = np.concatenate((a, b))
    both.sort()
    shared = int(np.count_nonzero(both[1:] == both[:-1]))
    union = len(both) - shared
    return shared / union if union else 1.0
