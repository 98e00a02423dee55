"""Byte n-gram models with Witten-Bell interpolation: what a language model must beat."""

from __future__ import annotations

from collections.abc import Iterable
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray


def joined_bytes(texts: Iterable[str], most: int) -> NDArray[np.uint8]:
    """(n,) the UTF-8 bytes of the texts, a NUL byte after each, `most` at the most."""
    import numpy as np

    parts, size = [], 0
    for text in texts:
        parts.append(text.encode("utf-8", "replace") + b"\0")
        size += len(parts[-1])
        if size >= most:
            break
    return np.frombuffer(b"".join(parts)[:most], dtype=np.uint8)


def bits_per_byte(train: NDArray[np.uint8], test: NDArray[np.uint8], order: int) -> float:
    """Mean -log2 p(byte | order - 1 bytes before) of `test`, under counts of `train`.

    P_n(c|h) = (count(hc) + T(h) P_{n-1}(c|h')) / (count(h) + T(h)), where T(h) is the number of different bytes seen
    after h, h' is h without its first byte, and P_0 is 1/256; a history never seen falls back entirely.

    Source: Witten and Bell 1991, as in Chen and Goodman 1999, section 2.4. `order` is at most 8.
    """
    import numpy as np

    probability = np.full(len(test), 1 / 256)
    for length in range(1, order + 1):
        if len(train) < length:
            break
        grams, counts = np.unique(_grams(train, length), return_counts=True)
        histories, starts = np.unique(grams >> np.uint64(8), return_index=True)
        totals = np.add.reduceat(counts, starts)
        kinds = np.diff(np.append(starts, len(grams)))
        asked = _grams(test, length)
        count = _looked_up(grams, counts, asked)
        total = _looked_up(histories, totals, asked >> np.uint64(8))
        kind = _looked_up(histories, kinds, asked >> np.uint64(8))
        # The first bytes of the text have shorter histories, and keep the probability of the shorter model.
        own = slice(length - 1, None)
        mixed = (count + kind * probability[own]) / np.maximum(total + kind, 1)
        probability[own] = np.where(total > 0, mixed, probability[own])
    return float(-np.log2(probability).mean())


def _grams(text: NDArray[np.uint8], length: int) -> NDArray[np.uint64]:
    """Every `length` successive bytes as one number, the last byte lowest."""
    import numpy as np

    grams = np.zeros(max(0, len(text) - length + 1), dtype=np.uint64)
    for offset in range(length):
        grams = (grams << np.uint64(8)) | text[offset : offset + len(grams)].astype(np.uint64)
    return grams


def _looked_up(keys: NDArray[np.uint64], values: NDArray[Any], asked: NDArray[np.uint64]) -> NDArray[Any]:
    """values[keys == asked], 0 where there is none; `keys` are sorted."""
    import numpy as np

    place = np.minimum(np.searchsorted(keys, asked), len(keys) - 1)
    return np.where(keys[place] == asked, values[place], 0)
