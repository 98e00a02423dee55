"""Lower case."""

from __future__ import annotations

from typing import Annotated, Literal

from pydantic import Field

from pluglm import Document, Dropped, Preprocessor

TURKISH = str.maketrans({"I": "ı", "İ": "i"})


class Lowercase(Preprocessor):
    """Lower the case of every letter, as the Unicode Standard's SpecialCasing has it (a final sigma becomes ς).

    Source: The Unicode Standard, section 3.13.
    """

    case_fold: Annotated[bool, Field(description="Full case folding, for matching: ß becomes ss, ς becomes σ")] = False
    language: Annotated[Literal["any", "turkish"], Field(description="turkish: I becomes dotless ı, İ becomes i")] = (
        "any"
    )

    def process(self, document: Document) -> Document | Dropped:
        """The document in lower case."""
        return document.map_text(self.fields, self.lowered)

    def lowered(self, text: str) -> str:
        """The text in lower case."""
        if self.language == "turkish":
            text = text.translate(TURKISH)
        return text.casefold() if self.case_fold else text.lower()
