"""Sources: where documents come from."""

from __future__ import annotations

from abc import abstractmethod
from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import Annotated, ClassVar

from pydantic import Field

from pluglm.corpus.document import Document, Dropped, Unreadable
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
