"""Near deduplication by MinHash and locality-sensitive hashing."""

from __future__ import annotations

from collections import Counter, OrderedDict, defaultdict
from collections.abc import Iterator
from itertools import islice
from typing import TYPE_CHECKING, Annotated, Literal

from pydantic import Field

from pluglm import CorpusPreprocessor, Document, Keys
from pluglm_preprocessors.words.minhash import band_hashes, bands_for, signature
from pluglm_preprocessors.words.shingling import jaccard, shingles

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

ALONE = 2**32 - 1
CHUNK = 65_536
CACHE_BYTES = 32 * 2**20


def columns_of(keys: Keys, columns: int) -> NDArray[np.uint32]:
    """(columns, documents) the first part of every key, which is that many 32-bit numbers."""
    import numpy as np

    table = np.empty((columns, len(keys)), dtype=np.uint32)
    parts = keys.part(0)
    for start in range(0, len(keys), CHUNK):
        rows = np.frombuffer(b"".join(islice(parts, CHUNK)), dtype=np.uint32).reshape(-1, columns)
        table[:, start : start + len(rows)] = rows.T
    return table


def number_groups(column: NDArray[np.uint32]) -> None:
    """Put a number for each group of equal values in their place, and `ALONE` where a value has no equal."""
    import numpy as np

    order = np.argsort(column, kind="stable")
    ordered = column[order]
    edges = np.ones(len(column) + 1, dtype=bool)
    np.not_equal(ordered[1:], ordered[:-1], out=edges[1:-1])
    np.cumsum(edges[:-1], dtype=np.uint32, out=ordered)
    ordered[edges[:-1] & edges[1:]] = ALONE
    column[order] = ordered


class Shingles:
    """The sets of shingles of documents, those looked up last kept in memory, up to `CACHE_BYTES`."""

    def __init__(self, keys: Keys) -> None:
        self.keys, self.bytes = keys, 0
        self.recent: OrderedDict[int, NDArray[np.uint64]] = OrderedDict()

    def __getitem__(self, number: int) -> NDArray[np.uint64]:
        import numpy as np

        found = self.recent.pop(number, None)
        if found is None:
            found = np.frombuffer(self.keys[number][1], dtype=np.uint64)
            self.bytes += found.nbytes
        self.recent[number] = found
        while self.bytes > CACHE_BYTES and len(self.recent) > 1:
            self.bytes -= self.recent.popitem(last=False)[1].nbytes
        return found


class NearDedup(CorpusPreprocessor):
    """Keep the first of documents whose sets of n-grams overlap by `threshold` or more (Jaccard similarity).

    Pairs that share a band of their MinHash signatures are compared exactly, so nothing is dropped by chance; of pairs
    at the threshold about 3 % are missed, of more similar ones far fewer. Documents without a word have nothing to be
    compared by and are kept. Where very many different documents share a band, as by common boilerplate, a document is
    compared with those `max_candidates` that share the most bands with it.

    Sources: Broder 1997, "On the resemblance and containment of documents"; Leskovec, Rajaraman and Ullman, "Mining of
    Massive Datasets", chapter 3.
    """

    threshold: Annotated[float, Field(gt=0, le=1, description="Similarity from which a document is a duplicate")] = 0.7
    ngram: Annotated[int, Field(ge=1, le=100, description="Words, or characters, in an n-gram")] = 5
    unit: Annotated[Literal["word", "character"], Field(description="What n-grams are made of")] = "word"
    permutations: Annotated[int, Field(ge=16, le=1024, description="Length of a signature")] = 128
    max_candidates: Annotated[int, Field(ge=1, description="With how many documents one is compared at most")] = 256
    seed: Annotated[int, Field(ge=0, description="Seed of the permutations")] = 1

    def key(self, document: Document) -> tuple[bytes, bytes]:
        """The number of its shingles and the hash of each band, 32 bits each; and its shingles, 64 bits each."""
        import numpy as np

        found = shingles("\n".join(str(document.get(name) or "") for name in self.fields), self.ngram, self.unit)
        bands, rows = bands_for(self.threshold, self.permutations)
        if not len(found):
            return bytes(4 * (1 + bands)), b""
        hashes = band_hashes(signature(found, bands * rows, self.seed), bands, rows)
        return np.uint32(len(found)).tobytes() + hashes.tobytes(), found.tobytes()

    def decide(self, keys: Keys) -> Iterator[str | None]:
        """Drops a document that is similar to an earlier one that was kept.

        In memory are 4 bytes for each document and band; shingles are looked up where documents share a band.
        """
        import numpy as np

        bands, _ = bands_for(self.threshold, self.permutations)
        table = columns_of(keys, 1 + bands)
        sizes, groups = table[0], table[1:]
        alone = np.ones(len(keys), dtype=bool)
        for group in groups:
            number_groups(group)
            group[sizes == 0] = ALONE
            alone &= group == ALONE
        sets = Shingles(keys)
        kept: defaultdict[int, list[int]] = defaultdict(list)
        for number, by_itself in enumerate(alone.tolist()):
            if by_itself:
                yield None
                continue
            own = groups[:, number]
            shared = np.flatnonzero(own != ALONE)
            names = (shared << 32 | own[shared]).tolist()
            if self.has_similar(number, [kept[name] for name in names if name in kept], sizes, sets):
                yield "near_duplicate"
                continue
            for name in names:
                if len(kept[name]) < self.max_candidates:
                    kept[name].append(number)
            yield None

    def has_similar(self, number: int, buckets: list[list[int]], sizes: NDArray[np.uint32], sets: Shingles) -> bool:
        """Whether a document in these buckets is similar enough."""
        bands_shared = Counter(other for bucket in buckets for other in bucket)
        if not bands_shared:
            return False
        # Their similarity is at most the ratio of their sizes.
        size = int(sizes[number])
        fitting = [
            other
            for other, count in zip(bands_shared, sizes[list(bands_shared)].tolist(), strict=True)
            if min(size, count) / max(size, count) >= self.threshold
        ]
        fitting.sort(key=lambda other: (-bands_shared[other], other))
        return any(jaccard(sets[number], sets[other]) >= self.threshold for other in fitting[: self.max_candidates])
