"""Records of a source that have the id of an earlier one: they are quarantined, wherever they stand."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from pluglm.corpus.chain import Chain
from pluglm.corpus.layers import GONE, Layer, LayerStore
from pluglm.corpus.ledger import Account
from pluglm.corpus.record_ids import NONE
from pluglm.corpus.tasks import ReadShard
from pluglm.document import Document

if TYPE_CHECKING:
    import numpy as np

DUPLICATE = "duplicate_id"


@dataclass(frozen=True, slots=True)
class Repeated:
    """The step that quarantines records at these places of a chunk. They were counted as read and kept by their source,
    whose account they now change."""

    path: str
    places: tuple[int, ...]

    def work(self, documents: Sequence[Document], account: Account) -> Layer:
        """All documents but those."""
        for place in self.places:
            document = documents[place]
            account.kept -= 1
            account.characters_out -= len(document.text)
            locator = str(document.metadata.get("locator", document.id))
            account.quarantine(locator, DUPLICATE, f"an earlier record has the id of {document.id}")
        return Layer([(place, GONE, None) for place in self.places])


def without_repeated(chains: Sequence[Chain], shards: Sequence[ReadShard]) -> list[Chain]:
    """The chains of what the shards read, with a step where they repeat a record; the same where none does."""
    places = dict[int, list[int]]()
    first_chain = 0
    by_label: dict[str, list[tuple[Path, list[int], int]]] = {}
    for shard in shards:
        found = shard.chunks()
        assert found is not None
        store, keys = LayerStore(shard.store), found[0]
        path = store.folder / f"{shard.key}.ids"
        if path.exists():
            sizes = [entry["station"]["read"] for key in keys if (entry := store.entry(key)) is not None]
            by_label.setdefault(shard.label, []).append((path, sizes, first_chain))
        first_chain += len(keys)
    labels = dict[int, str]()
    for label, parts in by_label.items():
        for chain, place in _repeats(parts):
            places.setdefault(chain, []).append(place)
            labels[chain] = label
    return [
        chain.then(Repeated(f"source.{labels[number]}", tuple(places[number])), places[number])
        if number in places
        else chain
        for number, chain in enumerate(chains)
    ]


def _repeats(parts: Sequence[tuple[Path, list[int], int]]) -> Iterator[tuple[int, int]]:
    """(chain, place in its chunk) of each record that has the id of an earlier one."""
    import numpy as np

    ids = np.concatenate([np.frombuffer(path.read_bytes(), dtype=np.uint64) for path, _, _ in parts])
    chains = [chain + number for _, sizes, chain in parts for number in range(len(sizes))]
    ends = np.cumsum([size for _, sizes, _ in parts for size in sizes])
    for position in _later(ids):
        chunk = int(np.searchsorted(ends, position, side="right"))
        yield chains[chunk], int(position - (ends[chunk - 1] if chunk else 0))


def _later(ids: np.ndarray) -> np.ndarray:
    """Where in an array a value stands that stood before, ascending."""
    import numpy as np

    order = np.argsort(ids, kind="stable")
    sorted_ids = ids[order]
    again = np.flatnonzero((sorted_ids[1:] == sorted_ids[:-1]) & (sorted_ids[1:] != NONE)) + 1
    return np.sort(order[again])
