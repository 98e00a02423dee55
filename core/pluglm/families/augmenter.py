"""Augmenters: changed copies of training documents."""

from __future__ import annotations

from abc import abstractmethod
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
