"""Texts as sets of hashed n-grams."""

from __future__ import annotations

import re
from functools import cache
from typing import TYPE_CHECKING

import xxhash

from pluglm_preprocessors.words.characters import category_class, highest

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

# Bytes of ASCII words in lower case, all other ASCII as a space; what is not ASCII stays.
ASCII_WORDS = bytes(ord(chr(b).lower()) if b >= 128 or chr(b).isalnum() or chr(b) == "_" else 32 for b in range(128))
ASCII_WORDS += bytes(range(128, 256))
ASCII = bytes(range(128))
# Of a polynomial over 64 bits, modulo 2^64: odd, so that it has an inverse.
BASE = 0x9E3779B97F4A7C15
# Bytes of whole words that are hashed at a time, which bounds the table of powers.
BLOCK = 1 << 16
# Different characters for which it is faster to replace each than to look for all.
FEW = 16


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
    if text.isascii():
        return text.encode().translate(ASCII_WORDS)
    text = text.casefold()
    found = text.encode("utf-8", "surrogatepass")
    beyond = set(found.translate(None, ASCII).decode("utf-8", "surrogatepass"))
    between = [character for character in beyond if is_between(character)]
    if len(between) > FEW:
        found = between_words(highest(text)).sub(" ", text).encode("utf-8", "surrogatepass")
    else:
        for character in between:
            found = found.replace(character.encode(), b" ")
    return found.translate(ASCII_WORDS)


@cache
def is_between(character: str) -> bool:
    """Whether a character outside of ASCII is no part of words."""
    return between_words(highest(character)).match(character) is not None


def words(text: str) -> list[bytes]:
    """The words of a text in folded case, as UTF-8."""
    return spaced(text).split()


@cache
def powers(count: int) -> NDArray[np.uint64]:
    """(2, count) the powers of `BASE` from the 0th on, and those of its inverse."""
    import numpy as np

    factors = np.ones((2, count), dtype=np.uint64)
    factors[0, 1:], factors[1, 1:] = BASE, pow(BASE, -1, 2**64)
    return np.cumprod(factors, axis=1, dtype=np.uint64)


def word_hashes(text: str) -> NDArray[np.uint64]:
    """(words,) the hash of each word: its bytes as a polynomial, and then mixed. Done for all words at once, because to
    look each up takes longer.

    Source: Rabin 1981, "Fingerprinting by random polynomials"; of a part of a text by sums over its beginnings, Karp
    and Rabin 1987, "Efficient randomized pattern-matching algorithms".
    """
    import numpy as np

    found = spaced(text)
    if len(found) <= BLOCK:
        return hashes_within(found)
    blocks: list[NDArray[np.uint64]] = []
    start = 0
    while start < len(found):
        behind = len(found) if len(found) - start <= BLOCK else found.rfind(b" ", start, start + BLOCK + 1) + 1
        if behind:
            blocks.append(hashes_within(found[start:behind]))
        else:
            # One word is longer than a block, and ends at a space or with the text.
            behind = found.find(b" ", start + BLOCK)
            behind = len(found) if behind < 0 else behind
            blocks.append(np.array([xxhash.xxh3_64_intdigest(found[start:behind])], dtype=np.uint64))
        start = behind
    return np.concatenate(blocks)


def hashes_within(block: bytes) -> NDArray[np.uint64]:
    """(words,) the hash of each word in a block."""
    import numpy as np

    letters = np.frombuffer(b" %b " % block, np.uint8)
    inside = letters > 32
    edges = np.flatnonzero(inside[1:] != inside[:-1])
    up, down = powers(BLOCK + 3 if len(letters) > 4096 else 4096)[:, : len(letters)]
    sums = letters * up
    np.cumsum(sums, out=sums)
    ends = sums[edges]
    # The polynomial of what lies between, as if it began at the 0th power.
    found = ends[1::2] - ends[::2]
    found *= down[edges[::2]]
    return mixed(found)


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
    # Two runs that are in order, which this way of sorting merges: three times as fast.
    both.sort(kind="stable")
    shared = int(np.count_nonzero(both[1:] == both[:-1]))
    union = len(both) - shared
    return shared / union if union else 1.0
