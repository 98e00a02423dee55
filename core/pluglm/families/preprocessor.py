"""Preprocessors: what happens to every document before the split."""

from __future__ import annotations

from abc import abstractmethod
from collections.abc import Iterator
from typing import Annotated, Any, ClassVar, Protocol

from pydantic import Field

from pluglm.document import Document, Dropped
from pluglm.technique import Technique


class BasePreprocessor(Technique):
    """What both kinds of preprocessor have in common."""

    family: ClassVar[str] = "preprocessor"

    fields: Annotated[
        tuple[str, ...], Field(min_length=1, description="What it works on: text, or names of document fields")
    ] = ("text",)


class Preprocessor(BasePreprocessor):
    """Changes or drops one document at a time, seeing no other: any order, any process, any machine."""

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


Decision = str | tuple[int, ...] | None
"""What becomes of a document: None keeps it as it is, a string is the reason it is dropped for, and numbers say what of
it goes; what is counted by them is the preprocessor's own affair."""


class CorpusPreprocessor(BasePreprocessor):
    """Drops or changes documents by comparing them with all others: a key per document, one decision over all keys, and
    the decision carried out on each document."""

    @abstractmethod
    def key(self, document: Document) -> Key:
        """What the decision needs to know of a document. Keys are computed on all cores."""

    @abstractmethod
    def decide(self, keys: Keys) -> Iterator[Decision]:
        """For each key, in order: None to keep the document, the reason it is dropped for, or what of it goes."""

    def apply(self, document: Document, decision: Decision) -> Document | Dropped:
        """The document after its decision. A pure function, called on all cores; override it where `decide` yields
        numbers."""
        if isinstance(decision, tuple):
            raise NotImplementedError(f"{self.name} decides by numbers and does not say what they stand for")
        return document if decision is None else Dropped(decision)
