"""Near deduplication by MinHash and locality-sensitive hashing."""

from __future__ import annotations

import re
from collections import defaultdict
from collections.abc import Iterator
from functools import cache
from typing import TYPE_CHECKING, Annotated, Any, Literal

import xxhash
from pydantic import Field

from pluglm import CorpusPreprocessor, Document, Keys
from pluglm_preprocessors.characters import category_class

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray


@cache
def word() -> re.Pattern[str]:
    """Letters, marks, digits and underscores."""
    return re.compile(rf"[\w{category_class('M')}]+")


def shingles(text: str, ngram: int, unit: str) -> NDArray[np.uint64]:
    """(n,) the sorted, distinct 64-bit hashes of the text's n-grams; a shorter text is one n-gram."""
    import numpy as np

    lowered = text.casefold()
    pieces = word().findall(lowered) if unit == "word" else list(lowered)
    hashed = np.fromiter(
        (xxhash.xxh3_64_intdigest(piece.encode("utf-8", "surrogatepass")) for piece in pieces),
        dtype=np.uint64,
        count=len(pieces),
    )
    if len(hashed) > ngram:
        # Hashing windows of hashes costs a tenth of hashing the text of each window.
        window = np.zeros(len(hashed) - ngram + 1, dtype=np.uint64)
        for offset in range(ngram):
            window = window * np.uint64(0x9E3779B97F4A7C15) + hashed[offset : offset + len(window)]
            window ^= window >> np.uint64(29)
        hashed = window
    elif len(hashed):
        hashed = np.array([xxhash.xxh3_64_intdigest(hashed.tobytes())], dtype=np.uint64)
    return np.unique(hashed)


def jaccard(a: NDArray[np.uint64], b: NDArray[np.uint64]) -> float:
    """|a and b| / |a or b| of two sets of shingles; 1 for two empty ones."""
    import numpy as np

    both = len(np.intersect1d(a, b, assume_unique=True))
    union = len(a) + len(b) - both
    return both / union if union else 1.0


def bands_for(threshold: float, permutations: int) -> tuple[int, int]:
    """(bands, rows): as many rows as still give a pair at the threshold a chance of 97 % to share a band,
    1 - (1 - s^rows)^bands."""
    best = (permutations, 1)
    for rows in range(1, permutations + 1):
        bands = permutations // rows
        if 1 - (1 - threshold**rows) ** bands >= 0.97:
            best = (bands, rows)
    return best


class NearDedup(CorpusPreprocessor):
    """Keep the first of documents whose sets of n-grams overlap by `threshold` or more (Jaccard similarity).

    Pairs that share a band of their MinHash signatures are compared exactly, so nothing is dropped by chance; of pairs
    at the threshold about 3 % are missed. Documents without a word have nothing to be compared by and are kept.

    Sources: Broder 1997, "On the resemblance and containment of documents"; Leskovec, Rajaraman and Ullman, "Mining of
    Massive Datasets", chapter 3.
    """

    threshold: Annotated[float, Field(gt=0, le=1, description="Similarity from which a document is a duplicate")] = 0.7
    ngram: Annotated[int, Field(ge=1, description="Words, or characters, in an n-gram")] = 5
    unit: Annotated[Literal["word", "character"], Field(description="What n-grams are made of")] = "word"
    permutations: Annotated[int, Field(ge=16, le=1024, description="Length of a signature")] = 128
    seed: Annotated[int, Field(ge=0, description="Seed of the permutations")] = 1

    def key(self, document: Document) -> bytes:
        """The document's shingles."""
        text = "\n".join(str(document.get(name) or "") for name in self.fields)
        return shingles(text, self.ngram, self.unit).tobytes()

    def decide(self, keys: Keys) -> Iterator[str | None]:
        """Drops a document that is similar to an earlier one that was kept."""
        import numpy as np

        bands, rows = bands_for(self.threshold, self.permutations)
        buckets: dict[tuple[int, bytes], list[int]] = defaultdict(list)
        kept: dict[int, Any] = {}
        for number, packed in enumerate(keys):
            key = np.frombuffer(packed, dtype=np.uint64)
            if not len(key):
                yield None
                continue
            signature = self.signature(key)
            names = [(band, signature[band * rows : (band + 1) * rows].tobytes()) for band in range(bands)]
            candidates = {other for name in names for other in buckets.get(name, ())}
            if any(jaccard(key, kept[other]) >= self.threshold for other in sorted(candidates)):
                yield "near_duplicate"
                continue
            kept[number] = key
            for name in names:
                buckets[name].append(number)
            yield None

    def signature(self, key: NDArray[np.uint64]) -> NDArray[np.uint32]:
        """(permutations,) the least of each permutation of the shingles."""
        import numpy as np
        from rensa import RMinHash

        minhash = RMinHash(num_perm=self.permutations, seed=self.seed)
        minhash.update([value.to_bytes(8, "little") for value in key.tolist()])
        return np.asarray(minhash.digest(), dtype=np.uint32)
