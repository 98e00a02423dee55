"""Dropping documents by length."""

from __future__ import annotations

from typing import Annotated

from pydantic import Field, model_validator

from pluglm import Document, Dropped, Preprocessor


class Length(Preprocessor):
    """Drop documents that are shorter or longer than they should be."""

    min_characters: Annotated[int, Field(ge=0, description="Fewest characters, white space at the ends aside")] = 20
    max_characters: Annotated[int | None, Field(ge=1, description="Most characters; null for any number")] = None
    min_words: Annotated[int, Field(ge=0, description="Fewest words between white space")] = 0
    max_words: Annotated[int | None, Field(ge=1, description="Most words; null for any number")] = None

    @model_validator(mode="after")
    def _in_order(self) -> Length:
        for low, high, name in (
            (self.min_characters, self.max_characters, "characters"),
            (self.min_words, self.max_words, "words"),
        ):
            if high is not None and low > high:
                raise ValueError(f"min_{name}={low} is greater than max_{name}={high}")
        return self

    def process(self, document: Document) -> Document | Dropped:
        """The document as it is, if every field is within the limits."""
        for name in self.fields:
            text = str(document.get(name) or "").strip()
            words = len(text.split()) if self.min_words or self.max_words is not None else 0
            if len(text) < self.min_characters or words < self.min_words:
                return Dropped("too_short")
            if (self.max_characters is not None and len(text) > self.max_characters) or (
                self.max_words is not None and words > self.max_words
            ):
                return Dropped("too_long")
        return document
