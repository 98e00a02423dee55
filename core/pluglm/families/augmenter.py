"""Augmenters: changed copies of training documents."""

from __future__ import annotations

from abc import abstractmethod
from collections.abc import Sequence
from random import Random
from typing import Annotated, ClassVar

from pydantic import Field

from pluglm.corpus.document import Document
from pluglm.technique import Technique


class Augmenter(Technique):
    """Makes changed copies. The core keeps the original, adds the copies behind it, and never touches validation."""

    family: ClassVar[str] = "augmenter"

    probability: Annotated[float, Field(ge=0, le=1, description="Chance that a document is augmented at all")] = 1.0
    copies: Annotated[int, Field(ge=1, description="Changed copies for each document augmented")] = 1
    fields: Annotated[
        tuple[str, ...], Field(min_length=1, description="What it works on: text, or names of document fields")
    ] = ("text",)

    @abstractmethod
    def augment(self, document: Document, random: Random) -> Document | None:
        """A changed copy, or None where there is nothing to change. All randomness comes from `random`, which the
        core seeds by (seed, technique, document id, copy)."""

    def augment_batch(self, documents: Sequence[Document], randoms: Sequence[Random]) -> list[Document | None]:
        """`augment` for several documents, each with its own generator. Override it where a model works on many at
        once; what a document becomes must not depend on which others are beside it."""
        return [self.augment(document, random) for document, random in zip(documents, randoms, strict=True)]
