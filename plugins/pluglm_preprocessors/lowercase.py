"""Lower case."""

from __future__ import annotations

import re
import unicodedata
from typing import Annotated, Literal

from pydantic import Field

from pluglm import Document, Dropped, Preprocessor

TURKISH = str.maketrans({"I": "ı", "İ": "i"})
DOTTED = re.compile("I([\u0300-\u036f]*?)\u0307")


def undotted(match: re.Match[str]) -> str:
    """The i that a capital I with a dot above is; other marks may stand between them, but none above (class 230)."""
    between = match.group(1)
    return match.group() if any(unicodedata.combining(mark) in (0, 230) for mark in between) else f"i{between}"


class Lowercase(Preprocessor):
    """Lower the case of every letter, as the Unicode Standard has it (a final sigma becomes ς).

    Source: The Unicode Standard, section 3.13 and SpecialCasing.txt.
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
            text = DOTTED.sub(undotted, text).translate(TURKISH)
        return text.casefold() if self.case_fold else text.lower()
