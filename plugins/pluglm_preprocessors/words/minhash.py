"""Min-wise hashing: short signatures of sets, of which similar sets share parts."""

from __future__ import annotations

from array import array
from functools import cache
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray


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


def signature(shingles: NDArray[np.uint64], permutations: int, seed: int) -> NDArray[np.uint32]:
    """(permutations,) the least of each permutation of (n,) shingles, n > 0. Two signatures agree at a place with the
    probability of the Jaccard similarity of their sets (Broder 1997)."""
    import numpy as np
    from rensa import RMinHash

    found = RMinHash.digest_matrix_from_flat_token_hashes(shingles, (0, len(shingles)), permutations, seed)
    # Four times as fast as an array of the list.
    return np.frombuffer(array("I", found.to_rows()[0]), dtype=np.uint32)


def band_hashes(signature: NDArray[np.uint32], bands: int, rows: int) -> NDArray[np.uint32]:
    """(bands,) one hash of each `rows` numbers of the signature: the high half of their sum, each times a factor of its
    own (vector multiply-shift, Dietzfelbinger 1996). They only propose pairs: where two different bands get
    one hash by chance, the comparison of the sets finds it out."""
    import numpy as np

    sums: NDArray[np.uint64] = signature[: bands * rows].reshape(bands, rows) @ _factors(rows)
    return (sums >> np.uint64(32)).astype(np.uint32)


@cache
def _factors(rows: int) -> NDArray[np.uint64]:
    import numpy as np

    return np.random.Generator(np.random.PCG64(rows)).integers(0, 2**64, rows, dtype=np.uint64)
