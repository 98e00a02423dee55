"""Sources: where documents come from."""

from __future__ import annotations

from abc import abstractmethod
from collections.abc import Callable, Iterable, Iterator, Sequence
from pathlib import Path
from typing import Annotated, ClassVar

from pydantic import Field

from pluglm.document import Document, Dropped, Unreadable
from pluglm.technique import Technique


class Source(Technique):
    """Yields documents. A run takes a list of sources, read in the order of the config."""

    family: ClassVar[str] = "source"

    weight: Annotated[float, Field(gt=0, description="How much each document of this source counts in the loss")] = 1.0

    @abstractmethod
    def read(self) -> Iterator[Document | Unreadable | Dropped]:
        """The documents, streaming, always in the same order; `Unreadable` for each record that is damaged,
        and `Dropped(reason)` for each that is whole and left out on purpose.

        Raises:
            OSError: where an input cannot be opened at all and nothing of it can be read.
        """

    @abstractmethod
    def inputs(self) -> Iterable[Path]:
        """The files that `read` will open. Their bytes are part of the cache key and of the manifest."""

    def fetch(self, store: Path, say: Callable[[str], None]) -> Source:
        """Bring what is remote into `store`, a folder that outlives the run, and return the source that reads it from
        there, without the network. Called once at the start of a run, before `inputs`; `say` shows a line.

        The default has nothing to fetch.
        """
        return self

    def offering(self, fields: Sequence[str]) -> Source:
        """This source, asked for these document fields, which other parts of the run need: it may take them where it
        has them, beside what its parameters say.

        The default is the source as it is.
        """
        return self

    def shards(self) -> Sequence[Source]:
        """Sources that together give the documents of this one, in its order: what different processes read at the
        same time, and what a stopped run need not read again. Each has `inputs` of its own, and is picklable.

        The default is one shard.
        """
        return (self,)
