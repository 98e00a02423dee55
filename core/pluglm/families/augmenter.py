"""Augmenters: changed copies of training documents."""

from __future__ import annotations

from collections.abc import Sequence
from random import Random
from typing import Annotated, ClassVar

from pydantic import Field

from pluglm.document import Document
from pluglm.technique import Technique


class Augmenter(Technique):
    """Makes changed copies. The core keeps the original, adds the copies behind it, and never touches validation."""

    family: ClassVar[str] = "augmenter"

    probability: Annotated[float, Field(ge=0, le=1, description="Chance that a document is augmented at all")] = 1.0
    copies: Annotated[int, Field(ge=1, description="Changed copies for each document augmented")] = 1
    fields: Annotated[
        tuple[str, ...], Field(min_length=1, description="What it works on: text, or names of document fields")
    ] = ("text",)

    def augment(self, document: Document, random: Random) -> Document | None:
        """A changed copy, or None where there is nothing to change. All randomness comes from `random`, which the
        core seeds by (seed, technique, document id, copy).

        Override this, or else `augment_text`, which it gives the text and each other field named."""
        if self.fields == ("text",):
            text = self.augment_text(document.text, random)
            if text == document.text:
                return None
            # By far the most frequent case, and several times faster than dataclasses.replace.
            d = document
            return Document(text, d.id, d.source, d.fields, d.media, d.metadata, d.weight)
        changed = document.map_text(self.fields, lambda text: self.augment_text(text, random))
        return None if changed is document else changed

    def augment_text(self, text: str, random: Random) -> str:
        """The text changed, or as it was where there is nothing to change.

        Raises:
            NotImplementedError: the technique has neither this nor its own `augment`.
        """
        raise NotImplementedError(f"{type(self).__name__} has neither augment nor augment_text")

    def augment_batch(self, documents: Sequence[Document], randoms: Sequence[Random]) -> list[Document | None]:
        """`augment` for several documents, each with its own generator. Override it where a model works on many at
        once; what a document becomes must not depend on which others are beside it."""
        return [self.augment(document, random) for document, random in zip(documents, randoms, strict=True)]
