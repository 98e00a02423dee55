"""Texts as sets of hashed n-grams."""

from __future__ import annotations

import re
from functools import cache
from typing import TYPE_CHECKING

import xxhash

from pluglm_preprocessors.characters import category_class, highest

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

# Bytes of ASCII words in lower case, all other ASCII as a space; what is not ASCII stays.
ASCII_WORDS = bytes(ord(chr(b).lower()) if b >= 128 or chr(b).isalnum() or chr(b) == "_" else 32 for b in range(128))
ASCII_WORDS += bytes(range(128, 256))
# Bytes of a word after which the numbers that they are weighed by begin anew.
LONGEST = 1 << 12


@cache
def between_words(last: int) -> re.Pattern[str]:
    """What stands between words outside of ASCII: words are letters, marks, digits and underscores. Of
    characters up to `last`."""
    return re.compile(rf"[^\x00-\x7f\w{category_class('M', last)}]+")


@cache
def multipliers(count: int) -> NDArray[np.uint64]:
    """(count,) odd numbers, always the same."""
    import numpy as np

    return np.array([xxhash.xxh3_64_intdigest(b"", seed=number) | 1 for number in range(count)], dtype=np.uint64)


def spaced(text: str) -> bytes:
    """A text in folded case, as UTF-8, with spaces for all that is no word."""
    if not text.isascii():
        text = text.casefold()
        text = between_words(highest(text)).sub(" ", text)
    return text.encode("utf-8", "surrogatepass").translate(ASCII_WORDS)


def words(text: str) -> list[bytes]:
    """The words of a text in folded case, as UTF-8."""
    return spaced(text).split()


def word_hashes(text: str) -> NDArray[np.uint64]:
    """(words,) the hash of each word: the sum of its bytes, each times an odd number for its place, and then mixed.
    Done for all words at once, because to look each up takes longer.

    Source: multilinear hashing, Lemire and Kaser 2014, https://arxiv.org/abs/1202.4961.
    """
    import numpy as np

    letters = np.frombuffer(b" " + spaced(text) + b" ", np.uint8)
    inside = letters > 32
    edges = np.flatnonzero(inside[1:] != inside[:-1])
    lengths = edges[1::2] - edges[::2]
    found = letters[inside].astype(np.uint64)
    if not len(found):
        return found
    first = np.cumsum(lengths) - lengths
    places = np.arange(len(found)) - np.repeat(first, lengths)
    found *= multipliers(LONGEST)[places & (LONGEST - 1)]
    return mixed(np.add.reduceat(found, first))


def mixed(codes: NDArray[np.uint64]) -> NDArray[np.uint64]:
    """The finalizer of MurmurHash3, in place: numbers that are alike become numbers far apart."""
    import numpy as np

    for factor in (0xFF51AFD7ED558CCD, 0xC4CEB9FE1A85EC53):
        codes ^= codes >> np.uint64(33)
        codes *= np.uint64(factor)
    codes ^= codes >> np.uint64(33)
    return codes


def hashes(text: str, unit: str) -> NDArray[np.uint64]:
    """(words or characters,) a hash of each, in order; `unit` is word or character."""
    import numpy as np

    if unit == "word":
        return word_hashes(text)
    codes = np.frombuffer(text.casefold().encode("utf-32-le", "surrogatepass"), np.uint32).astype(np.uint64)
    # Consecutive codes get hashes far apart.
    codes += np.uint64(1)
    return mixed(codes)


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
