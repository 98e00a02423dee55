"""Regular expressions over text."""

from __future__ import annotations

import re
import warnings
from functools import cache
from typing import Annotated, Literal

from pydantic import Field, field_validator, model_validator

from pluglm import Document, Dropped, Preprocessor


@cache
def compiled(pattern: str, ignore_case: bool = False) -> re.Pattern[str]:
    """The pattern, without Python's warnings of what later versions may read in another way."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        return re.compile(pattern, re.IGNORECASE if ignore_case else 0)


class Regex(Preprocessor):
    """Replace what a regular expression matches, or drop or keep documents by it.

    Patterns are Python's (`re`); in `replacement`, \\1 and \\g<name> stand for groups. There is no time limit: a
    pattern with a repetition in a repetition, such as (a+)+$, may take for ever on some texts. Try it on a few
    documents first.
    """

    pattern: Annotated[str, Field(min_length=1, description="A regular expression of Python's re")]
    action: Annotated[
        Literal["replace", "drop", "keep"],
        Field(description="Replace each match; drop documents with a match; or keep only those with one"),
    ] = "replace"
    replacement: Annotated[str, Field(description="What takes the place of a match")] = ""
    ignore_case: Annotated[bool, Field(description="Take upper and lower case as the same")] = False

    @field_validator("pattern")
    @classmethod
    def _must_compile(cls, pattern: str) -> str:
        try:
            compiled(pattern)
        except (re.error, OverflowError, RecursionError) as error:
            raise ValueError(f"is no regular expression: {error}") from None
        return pattern

    @model_validator(mode="after")
    def _replacement_must_fit(self) -> Regex:
        try:
            # The empty string always matches this, and so the replacement is read.
            compiled(self.pattern + "|").sub(self.replacement, "")
        except (re.error, IndexError) as error:
            raise ValueError(f"replacement={self.replacement!r} does not fit the pattern: {error}") from None
        return self

    @classmethod
    def example(cls, folder: object) -> dict[str, str]:
        """Years."""
        return {"pattern": r"\b\d{4}\b", "replacement": "<year>"}

    def process(self, document: Document) -> Document | Dropped:
        """The document with its matches replaced; or as it is, if it may stay."""
        pattern = compiled(self.pattern, self.ignore_case)
        if self.action == "replace":
            return document.map_text(self.fields, lambda text: pattern.sub(self.replacement, text))
        found = any(pattern.search(str(document.get(name) or "")) for name in self.fields)
        if self.action == "drop":
            return Dropped("pattern_found") if found else document
        return document if found else Dropped("pattern_not_found")
