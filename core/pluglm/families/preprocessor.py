"""Preprocessors: what happens to every document before the split."""

from __future__ import annotations

from abc import abstractmethod
from collections.abc import Iterator
from typing import Annotated, Any, ClassVar, Protocol

from pydantic import Field

from pluglm.corpus.document import Document, Dropped
from pluglm.technique import Technique


class Preprocessor(Technique):
    """Changes or drops one document at a time, seeing no other: any order, any process, any machine."""

    family: ClassVar[str] = "preprocessor"

    fields: Annotated[
        tuple[str, ...], Field(min_length=1, description="What it works on: text, or names of document fields")
    ] = ("text",)

    @abstractmethod
    def process(self, document: Document) -> Document | Dropped:
        """The document, changed or as it is, or `Dropped(reason)`."""


Key = bytes | str | int | tuple[bytes | str | int, ...]
"""What a decision over the corpus needs to know of one document."""


class Keys(Protocol):
    """The keys of a corpus in the order of its documents. They lie on disk: going through them takes no memory, and
    neither does looking one up again."""

    def __len__(self) -> int: ...

    def __iter__(self) -> Iterator[Any]:
        """Every key."""
        ...

    def __getitem__(self, number: int) -> Any:
        """One key."""
        ...

    def part(self, number: int) -> Iterator[Any]:
        """That entry of every key that is a tuple; the other entries are not read."""
        ...


class CorpusPreprocessor(Preprocessor):
    """Drops documents by comparing them with all others, as a key per document and one decision over all keys."""

    @abstractmethod
    def key(self, document: Document) -> Key:
        """What the decision needs to know of a document. Keys are computed on all cores."""

    @abstractmethod
    def decide(self, keys: Keys) -> Iterator[Any]:
        """For each key, in order: None to keep the document as it is, or what `apply` makes of it: by default, the
        reason it is dropped for. What is decided is kept on disk as JSON."""

    def apply(self, document: Document, decision: Any) -> Document | Dropped:
        """The document after a decision that is not None."""
        return Dropped(decision)

    def process(self, document: Document) -> Document | Dropped:
        """Not used: what is kept is decided over the whole corpus."""
        return document
