"""Min-wise hashing: short signatures of sets, of which similar sets share parts."""

from __future__ import annotations

from functools import cache
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

# Shingles at a time, so that a block of the table stays in the processor's cache.
BLOCK = 1024


@cache
def bands_for(threshold: float, permutations: int) -> tuple[int, int]:
    """(bands, rows): as many rows as still give a pair at the threshold a chance of 97 % to share a band,
    1 - (1 - s^rows)^bands."""
    best = (permutations, 1)
    for rows in range(1, permutations + 1):
        bands = permutations // rows
        if 1 - (1 - threshold**rows) ** bands >= 0.97:
            best = (bands, rows)
    return best


@cache
def permutations_of(count: int, seed: int) -> tuple[NDArray[np.uint32], NDArray[np.uint32]]:
    """Odd factors and offsets, (count,) each: h -> factor * h + offset (modulo 2^32) stands for a permutation of h."""
    import numpy as np

    drawn = np.random.Generator(np.random.PCG64(seed)).integers(0, 2**32, (2, count), dtype=np.uint32)
    return drawn[0] | np.uint32(1), drawn[1]


def signature(shingles: NDArray[np.uint64], permutations: int, seed: int) -> NDArray[np.uint32]:
    """(permutations,) the least of each permutation of (n,) shingles, n > 0. Two signatures agree at a place with the
    probability of the Jaccard similarity of their sets (Broder 1997)."""
    import numpy as np

    factors, offsets = permutations_of(permutations, seed)
    high = (shingles >> np.uint64(32)).astype(np.uint32)
    blocks: list[NDArray[np.uint32]] = []
    for start in range(0, len(high), BLOCK):
        table = high[start : start + BLOCK, None] * factors
        table += offsets
        blocks.append(table.min(axis=0))
    least: NDArray[np.uint32] = np.minimum.reduce(blocks)
    return least


def band_hashes(signature: NDArray[np.uint32], bands: int, rows: int) -> NDArray[np.uint32]:
    """(bands,) one hash of each `rows` numbers of the signature: the high half of their sum, each times a factor of its
    own (vector multiply-shift, Dietzfelbinger 1996). They only propose pairs: where two different bands get
    one hash by chance, the comparison of the sets finds it out."""
    import numpy as np

    factors = _factors(rows)
    table = signature[: bands * rows].reshape(bands, rows).astype(np.uint64)
    sums: NDArray[np.uint64] = (table * factors).sum(axis=1)
    return (sums >> np.uint64(32)).astype(np.uint32)


@cache
def _factors(rows: int) -> NDArray[np.uint64]:
    import numpy as np

    return np.random.Generator(np.random.PCG64(rows)).integers(0, 2**64, rows, dtype=np.uint64)
