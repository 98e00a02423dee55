"""Removing punctuation."""

from __future__ import annotations

import re
import sys
import unicodedata
from functools import cache
from typing import Annotated

from pydantic import Field

from pluglm import Document, Dropped, Preprocessor
from pluglm_preprocessors.characters import category_class

INSIDE_WORDS = "'’-\u2010"


@cache
def punctuation(keep: str, inside_words: bool) -> re.Pattern[str]:
    """A pattern for every character of Unicode's P categories but those kept; one class is faster than a table."""
    marks = [chr(code) for code in range(sys.maxunicode + 1) if unicodedata.category(chr(code))[0] == "P"]
    removed = re.escape("".join(mark for mark in marks if mark not in keep))
    if not inside_words:
        return re.compile(f"[{removed}]")
    joining = re.escape("".join(mark for mark in INSIDE_WORDS if mark not in keep))
    others = re.escape("".join(mark for mark in marks if mark not in keep and mark not in INSIDE_WORDS))
    if not joining:
        return re.compile(f"[{others}]")
    # A mark belongs to the letter before it, as in a decomposed "café's".
    letters = category_class("LMN")
    # One class first, which makes the search fast; then, of the marks that join, only those between letters stay.
    return re.compile(rf"[{removed}](?:(?<=[{others}])|(?<![{letters}][{joining}])|(?![{letters}]))")


class RemovePunctuation(Preprocessor):
    """Remove every character of Unicode's punctuation categories (Pc, Pd, Ps, Pe, Pi, Pf, Po).

    Source: The Unicode Standard, section 4.5 (general category).
    """

    keep: Annotated[str, Field(description="Characters that stay")] = ""
    inside_words: Annotated[bool, Field(description="Keep apostrophes and hyphens between letters or digits")] = True
    replacement: Annotated[str, Field(description="What stands in their place")] = ""

    def process(self, document: Document) -> Document | Dropped:
        """The document without punctuation."""
        pattern = punctuation(self.keep, self.inside_words)
        replacement = self.replacement.replace("\\", r"\\")
        return document.map_text(self.fields, lambda text: pattern.sub(replacement, text))
