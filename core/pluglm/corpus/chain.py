"""Chunks of documents, the steps they take, and the runner that sends them through."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, replace
from pathlib import Path
from random import Random
from typing import TYPE_CHECKING, Any

from pluglm.corpus.engines import Engine
from pluglm.corpus.keys import StoredKeys
from pluglm.corpus.layers import LayerStore
from pluglm.corpus.ledger import Account, Book
from pluglm.corpus.steps import Step, change_training
from pluglm.corpus.tasks import KeyFile, ProcessChunk, ReadShard, StoredDecisions, Task, chunked, decisions_by_chunk
from pluglm.document import Document
from pluglm.errors import PluglmError
from pluglm.families import CorpusPreprocessor, Intervention
from pluglm.files.digests import digest, file_digest

if TYPE_CHECKING:
    from pluglm.progress import Progress

CHUNK_CHARACTERS = 8_000_000
"""Of a chunk that an intervention makes."""


@dataclass(frozen=True, slots=True)
class Chain:
    """A chunk and the steps it is to take. `key` names what comes out: the digest of all that makes it. The first
    `entered` of its steps are in the ledger."""

    chunk: str
    key: str
    steps: tuple[tuple[str, Step | StoredDecisions], ...] = ()
    entered: int = 0

    def then(self, step: Step | StoredDecisions, described: Any) -> Chain:
        """With one more step, which `described` tells from any other."""
        key = digest([self.key, step.path, described])
        return replace(self, key=key, steps=(*self.steps, (key, step)))


@dataclass(frozen=True, slots=True)
class Decisions:
    """What was decided about the documents of each chain. `key`: of the decisions; `of`: of the keys of each chain."""

    key: str
    of: list[str]


class ChunkRunner:
    """Sends chunks through the stations, keeping layers in `cache`, and keeps the account."""

    def __init__(self, cache: Path, engine: Engine, progress: Progress, stop: bool, book: Book) -> None:
        self.cache = cache
        self.store = LayerStore(cache / "layers")
        self.engine = engine
        self.progress = progress
        self.stop = stop
        self.book = book

    def read(self, shards: Sequence[ReadShard]) -> list[Chain]:
        """The chunks of all shards, in order."""
        with self._accounted([shard.key for shard in shards]):
            self._run(shards, "Reading")
        chains: list[Chain] = []
        for shard in shards:
            found = shard.chunks()
            assert found is not None
            keys, account = found
            self.book.enter(account)
            chains += [Chain(key, key) for key in keys]
        return chains

    def finish(self, chains: list[Chain], doing: str, export: Path | None = None) -> list[Chain]:
        """Let the chunks take all of their steps, and write their documents where `export` names a folder."""
        if export is not None:
            export.mkdir()
        targets = [None if export is None else export / f"{n:05}.parquet" for n in range(len(chains))]
        tasks = [
            ProcessChunk(self.store.folder, chain.chunk, chain.steps, self.stop, export=target)
            for chain, target in zip(chains, targets, strict=True)
        ]
        with self._accounted(_not_entered(chains)):
            self._run(tasks, doing)
        return self.entered(chains)

    def compared(self, chains: list[Chain], path: str, preprocessor: CorpusPreprocessor, described: Any) -> list[Chain]:
        """The chains, with the step that a preprocessor decides on once it has seen the keys of all documents."""
        decisions, _ = self.decisions(chains, path, preprocessor, described, f"Preparing {path}")
        return self.carried_out(chains, decisions, path, preprocessor)

    def decisions(
        self, chains: list[Chain], path: str, preprocessor: CorpusPreprocessor, described: Any, doing: str
    ) -> tuple[Decisions, Counter[str]]:
        """The decisions, and how often each that is a text came out."""
        names = [digest([chain.key, path, described, "keys"]) for chain in chains]
        tasks = [
            ProcessChunk(self.store.folder, c.chunk, c.steps, self.stop, keys=KeyFile(name, preprocessor))
            for c, name in zip(chains, names, strict=True)
        ]
        with self._accounted(_not_entered(chains)):
            self._run(tasks, doing)
        decisions = Decisions(digest([names, path, described]), names)
        found = [self.store.entry(f"{decisions.key}-{number:05}") for number in range(len(chains))]
        if any(one is None for one in found):
            accounts = [self._keys(name) for name in names]
            counts = [entry["documents"] - len(entry["errors"]) for entry in accounts]
            keys = StoredKeys([self.store.folder / f"{name}.keys" for name in names], counts)
            found = []
            for number, one in enumerate(decisions_by_chunk(accounts, iter(preprocessor.decide(keys)))):
                self.store.write_entry(f"{decisions.key}-{number:05}", one)
                found.append(one)
        counted = Counter(d for one in found if one for d in one["decisions"].values() if isinstance(d, str))
        return decisions, counted

    def _keys(self, name: str) -> dict[str, Any]:
        """The account of the keys of a chunk, which are whole."""
        entry, path = self.store.entry(name), self.store.folder / f"{name}.keys"
        if entry is None or file_digest(path) != entry["digest"]:
            self.store.forget(name)
            raise PluglmError(f"a part of the cache is damaged ({path}); run it again to make it anew")
        return entry

    def carried_out(
        self, chains: list[Chain], decisions: Decisions, path: str, preprocessor: CorpusPreprocessor
    ) -> list[Chain]:
        """The chains, with the step that does what was decided."""
        return [
            chain.then(
                StoredDecisions(path, f"{decisions.key}-{number:05}", decisions.of[number], preprocessor),
                [decisions.key, number, preprocessor.model_dump(mode="json")],
            )
            for number, chain in enumerate(chains)
        ]

    def changed(
        self, chains: list[Chain], path: str, technique: Intervention, described: Any, seed: int
    ) -> list[Chain]:
        """New chunks of what an intervention makes of all documents, which goes through one process."""
        key = digest([[chain.key for chain in chains], described])
        found = self.store.chunks(key)
        if found is None:
            self.finish(chains, f"Preparing {path}")
            account = Account(path, stop=self.stop)
            with self.progress.task(f"Applying {path}", unit="documents") as task:

                def counted() -> Iterator[Document]:
                    for document in change_training(
                        technique, self._documents(chains), account, Random(f"{seed}/{path}")
                    ):
                        task.advance(1)
                        yield document

                with self._accounted([key]), self.store.accounted(key, account):
                    self.store.write_chunks(key, chunked(counted(), CHUNK_CHARACTERS), account)
            found = self.store.chunks(key)
            assert found is not None
        keys, entry = found
        self.book.enter(entry)
        return [Chain(one, one) for one in keys]

    def _documents(self, chains: list[Chain]) -> Iterator[Document]:
        for chain in chains:
            documents: list[Document] = []
            for key in (chain.chunk, *(key for key, _ in chain.steps)):
                found = self.store.read(key)
                assert found is not None
                documents = found[0].apply(documents)
            yield from documents

    def entered(self, chains: list[Chain]) -> list[Chain]:
        """The chains, with the accounts of what they did since the last time in the book, station by station."""
        for place in range(max((len(chain.steps) for chain in chains), default=0)):
            for chain in chains:
                if place >= chain.entered:
                    key, step = chain.steps[place]
                    found = self.store.entry(key)
                    assert found is not None
                    if step.path != "split":
                        self.book.enter(Account.from_dict(found["station"], found["records"]))
        return [replace(chain, entered=len(chain.steps)) for chain in chains]

    @contextmanager
    def _accounted(self, keys: Sequence[str]) -> Iterator[None]:
        """Enter what is known of the work on these keys where it ends with an error."""
        try:
            yield
        except BaseException:
            for key in keys:
                if (account := self.store.known_account(key)) is not None and account.name != "split":
                    self.book.keep(account)
            raise

    def _run(self, tasks: Sequence[Task], doing: str) -> None:
        left = [task for task in tasks if not task.is_done()]
        if left:
            with self.progress.task(doing, unit="documents") as task:
                self.engine.run(left, task.advance)


def _not_entered(chains: Sequence[Chain]) -> list[str]:
    """The keys of the steps that are not in the ledger, station by station."""
    last = max((len(chain.steps) for chain in chains), default=0)
    return [
        chain.steps[place][0] for place in range(last) for chain in chains if chain.entered <= place < len(chain.steps)
    ]
