"""The units of work of a corpus: each can be done by any process that sees the cache, and leaves files that are whole
or absent. A task that finds its files does nothing, so that one that was stopped is simply run again."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Any, Protocol

from pluglm.corpus.keys import write_keys
from pluglm.corpus.layers import LayerStore, document_table
from pluglm.corpus.ledger import Account
from pluglm.corpus.record_ids import RecordIds
from pluglm.corpus.steps import ApplyDecisions, Step, read_source
from pluglm.document import Document
from pluglm.errors import PluglmError
from pluglm.families import CorpusPreprocessor, Source
from pluglm.files.digests import file_digest
from pluglm.files.replacing import replaced_file

USUAL, MUCH = 100, 1000
"""Characters that a document has besides its text, and from how many on they are counted."""


class Task(Protocol):
    """Something to be done on any process."""

    def is_done(self) -> bool:
        """Whether its files are there."""
        ...

    def run(self) -> int:
        """Do it; how many documents it was about."""
        ...


@dataclass(frozen=True, slots=True)
class ReadShard:
    """Reads a part of a source into chunks of about `characters` characters: layers `<key>-00000` and so on. `files`:
    the paths of what it reads."""

    store: Path
    key: str
    label: str
    source: Source
    characters: int
    stop: bool
    files: tuple[str, ...] = ()

    def is_done(self) -> bool:
        """Whether the shard was read to its end, and its chunks are there."""
        return self.chunks() is not None

    def chunks(self) -> tuple[list[str], Account] | None:
        """The keys of its chunks and the account of what was read, or None where it was not read to its end."""
        return LayerStore(self.store).chunks(self.key)

    def run(self) -> int:
        """Read it."""
        account = Account(f"source.{self.label}", stop=self.stop)
        ids = RecordIds()
        read = ids.noted(read_source(self.source, self.label, account, self._retrieved()))
        store = LayerStore(self.store)
        with store.accounted(self.key, account):
            store.write_chunks(self.key, chunked(read, self.characters), account, ids)
        return account.kept

    def _retrieved(self) -> str | None:
        # Of a file that says nothing of when it was had, the system knows when it came to lie there.
        times = [path.stat().st_mtime for path in self.source.inputs() if path.exists()]
        return datetime.fromtimestamp(max(times), UTC).isoformat(timespec="seconds") if times else None


def chunked(documents: Iterator[Document], characters: int) -> Iterator[list[Document]]:
    """Documents in lists of about so many characters, what they carry besides their text counted where it is much."""
    chunk: list[Document] = []
    size = 0
    for document in documents:
        chunk.append(document)
        size += len(document.text) + USUAL + max(0, _carried(document) - MUCH)
        if size >= characters:
            yield chunk
            chunk, size = [], 0
    if chunk:
        yield chunk


def _carried(document: Document) -> int:
    """About how many characters a document's fields, media and metadata have."""
    return sum(_size(value) for part in (document.fields, document.media, document.metadata) for value in part.values())


def _size(value: Any) -> int:
    if isinstance(value, str | bytes):
        return len(value)
    if isinstance(value, dict):
        return sum(_size(item) for pair in value.items() for item in pair)
    return sum(map(_size, value)) if isinstance(value, list | tuple) else 8


@dataclass(frozen=True, slots=True)
class KeyFile:
    """Where the keys of a chunk go that a preprocessor compares."""

    key: str
    preprocessor: CorpusPreprocessor


@dataclass(frozen=True, slots=True)
class StoredDecisions:
    """Which decisions of a preprocessor that compares are about this chunk. `key`: of the decisions; `of`: of its
    keys."""

    path: str
    key: str
    of: str
    preprocessor: CorpusPreprocessor

    def step(self, store: Path) -> ApplyDecisions:
        """The step that carries them out."""
        found = LayerStore(store)
        decisions, keys = found.entry(self.key), found.entry(self.of)
        if decisions is None or keys is None:
            raise PluglmError(f"{self.path}: its decisions are gone from {store}; run it again")
        # JSON has text for keys and lists for tuples; what has no decision is not in the file.
        return ApplyDecisions(
            self.path,
            self.preprocessor,
            {int(place): tuple(d) if isinstance(d, list) else d for place, d in decisions["decisions"].items()},
            {int(place): error for place, error in keys["errors"].items()},
        )


@dataclass(frozen=True, slots=True)
class ProcessChunk:
    """Takes a chunk through steps, each with the key of the layer that it makes, and then writes the keys of its
    documents, or the documents themselves as Parquet, or neither."""

    store: Path
    chunk: str
    steps: tuple[tuple[str, Step | StoredDecisions], ...]
    stop: bool
    keys: KeyFile | None = None
    export: Path | None = None

    def is_done(self) -> bool:
        """Whether all layers and files are there."""
        store = LayerStore(self.store)
        keyed = self.keys is None or store.entry(self.keys.key) is not None
        exported = self.export is None or self.export.exists()
        return keyed and exported and all(store.entry(key) is not None for key, _ in self.steps)

    def run(self) -> int:
        """Take up the chunk where the last layer that is there leaves it."""
        store = LayerStore(self.store)
        base = store.read(self.chunk)
        if base is None:
            store.forget(self.chunk)
            raise PluglmError(
                f"a part of the cache is damaged ({self.store / self.chunk}); run it again to read it anew"
            )
        documents = base[0].apply([])
        for key, step in self.steps:
            known = store.read(key)
            if known is None:
                account = Account(step.path, stop=self.stop)
                with store.accounted(key, account):
                    step = step.step(self.store) if isinstance(step, StoredDecisions) else step
                    layer = step.work(documents, account)
                    store.write(key, layer, account)
            else:
                layer = known[0]
            documents = layer.apply(documents)
        if self.keys is not None:
            self._write_keys(store, documents, self.keys)
        if self.export is not None:
            write_documents(self.export, documents)
        return len(documents)

    def _write_keys(self, store: LayerStore, documents: Sequence[Document], wanted: KeyFile) -> None:
        keys, errors = [], {}
        for place, document in enumerate(documents):
            try:
                keys.append(wanted.preprocessor.key(document))
            except Exception as error:
                errors[str(place)] = f"{type(error).__name__}: {error}"
        path = store.folder / f"{wanted.key}.keys"
        write_keys(path, keys)
        entry = {"documents": len(documents), "errors": errors, "digest": file_digest(path)}
        store.write_entry(wanted.key, entry, [path])


def write_documents(path: Path, documents: Sequence[Document]) -> None:
    """Documents as Parquet."""
    from pyarrow import parquet

    table = document_table(documents)
    with replaced_file(path) as temporary:
        parquet.write_table(table, temporary, compression="zstd", compression_level=1)


def read_documents(path: Path) -> Iterator[Document]:
    """What `write_documents` wrote, some hundreds at a time."""
    from pyarrow import parquet

    from pluglm.corpus.layers import documents_of

    with parquet.ParquetFile(path) as file:
        for batch in file.iter_batches(batch_size=512):
            yield from documents_of([column.to_pylist() for column in batch.columns])


def documents_in(folder: Path) -> Iterator[Document]:
    """The documents of all Parquet files in a folder, in the order of their names."""
    for path in sorted(folder.glob("*.parquet")):
        yield from read_documents(path)


def decisions_by_chunk(keys: Sequence[dict[str, Any]], decisions: Iterator[Any]) -> Iterator[dict[str, Any]]:
    """The decisions about each chunk, given the accounts of its keys: by place in the chunk, what is None left out."""
    for entry in keys:
        errors = {int(place) for place in entry["errors"]}
        places = (place for place in range(entry["documents"]) if place not in errors)
        found = {str(place): decision for place in places if (decision := next(decisions)) is not None}
        yield {"decisions": found}
