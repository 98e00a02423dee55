"""Sources whose fetch writes down what it brought, and whose reading goes by that record alone."""

from __future__ import annotations

from abc import abstractmethod
from collections.abc import Callable, Iterable, Iterator, Sequence
from itertools import islice
from pathlib import Path
from typing import Annotated, Any, Self

from pydantic import Field, PrivateAttr

from pluglm import DataError, Document, Dropped, Problem, Source, Unreadable
from pluglm_sources.http.fetched import Fetched, is_settled, read_record, write_record
from pluglm_sources.http.remote import Remote

# So many pages are read by one process at a time.
SHARD = 500


class Recorded(Remote):
    """Base of the sources that find out while they fetch what there is to fetch.

    A fetch that failed in part with what may pass is gone over again in the next run; what it brought is not asked for
    again. A record can also be given, and then nothing is fetched.
    """

    record: Annotated[
        Path | None, Field(description="The record of an earlier fetch, to be read as it is; null to fetch")
    ] = None
    _part: tuple[int, int] | None = PrivateAttr(None)

    @abstractmethod
    def gather(self, store: Path, say: Callable[[str], None]) -> Iterator[Fetched | Unreadable | Dropped]:
        """Fetch into `store`; what came, what did not, and what was left out, in the order in which it is read."""

    @abstractmethod
    def document(self, fetched: Fetched) -> Document | Unreadable | Dropped:
        """The document of one thing that was fetched."""

    def resolved(self, items: Iterable[Fetched | Unreadable | Dropped]) -> Iterator[Fetched | Unreadable | Dropped]:
        """The items of a record, once what only all of them together tell is known. The default has nothing to tell."""
        yield from items

    def problems(self, run: Any) -> Iterator[Problem]:
        """A record that is not there."""
        for label, source in run.source.items():
            if source is self and self.record is not None and not self.record.is_file():
                yield Problem(f"source.{label}.record", "is no file", str(self.record))

    def seed(self) -> str:
        """A digest of what decides, besides the parameters, what is to be fetched. The default has nothing such."""
        return ""

    def fetch(self, store: Path, say: Callable[[str], None]) -> Source:
        """The source that reads what is in `store`, after fetching what is not."""
        from filelock import FileLock

        if self.record is not None:
            return self
        path = self.record_path(store, "record")
        path = path.with_stem(f"{path.stem}{self.seed()[:16]}")
        path.parent.mkdir(parents=True, exist_ok=True)
        # Of two runs that want the same, one fetches; the other waits, and finds it done.
        with FileLock(path.with_suffix(".lock")):
            if self.refresh or not is_settled(path):
                write_record(path, self.gather(store, say))
        return self.model_copy(update={"record": path})

    def read(self) -> Iterator[Document | Unreadable | Dropped]:
        """The documents, in the order of the record."""
        for item in self._items():
            yield self.document(item) if isinstance(item, Fetched) else item

    def inputs(self) -> Iterable[Path]:
        """The record and the bodies that it names."""
        if self.record is None:
            return []
        return [self.record, *dict.fromkeys(item.path for item in self._items() if isinstance(item, Fetched))]

    def shards(self) -> Sequence[Source]:
        """Runs of pages, in order."""
        if self._part is not None:
            return (self,)
        count = sum(1 for _ in self._items())
        return [self._cut(start, start + SHARD) for start in range(0, count, SHARD)] or (self,)

    def _cut(self, first: int, last: int) -> Self:
        shard = self.model_copy()
        shard._part = (first, last)
        return shard

    def items(self) -> Iterator[Fetched | Unreadable | Dropped]:
        """What the record has."""
        if self.record is None:
            raise DataError(f"{self.name} has fetched nothing yet; a run fetches before it reads")
        try:
            yield from read_record(self.record)
        except (OSError, ValueError, TypeError, KeyError) as error:
            raise DataError(f"{self.record} is no record of a fetch: {error}") from error

    def _items(self) -> Iterator[Fetched | Unreadable | Dropped]:
        return islice(self.resolved(self.items()), *(self._part or (0, None)))
