"""Preprocessors: what happens to every document before the split."""

from __future__ import annotations

from abc import abstractmethod
from collections.abc import Iterable, Iterator
from typing import Annotated, Any, ClassVar

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


class CorpusPreprocessor(Preprocessor):
    """Drops documents by comparing them with all others, as a key per document and one decision over all keys."""

    @abstractmethod
    def key(self, document: Document) -> Any:
        """What the decision needs to know of a document: small and picklable."""

    @abstractmethod
    def decide(self, keys: Iterable[Any]) -> Iterator[str | None]:
        """For each key, in order: None to keep the document, or the reason it is dropped for."""

    def process(self, document: Document) -> Document | Dropped:
        """Not used: what is kept is decided over the whole corpus."""
        return document
