"""Removing punctuation."""

from __future__ import annotations

import re
import unicodedata
from functools import cache
from typing import Annotated

from pydantic import Field

from pluglm import Document, Dropped, Preprocessor
from pluglm_preprocessors.words.characters import category_class, highest

INSIDE_WORDS = "'’-\u2010"


@cache
def marks(besides: str, last: int) -> str:
    """Every character up to `last` of Unicode's P categories but these."""
    every = (chr(code) for code in range(last + 1))
    return "".join(mark for mark in every if unicodedata.category(mark)[0] == "P" and mark not in besides)


@cache
def any_of(characters: str) -> re.Pattern[str]:
    """A pattern for one of the characters, or for nothing where there are none."""
    return re.compile(f"[{re.escape(characters)}]" if characters else r"(?!)")


@cache
def loose(joining: str, last: int) -> re.Pattern[str]:
    """A pattern for marks that join words where they do not stand between letters. A mark belongs to the letter before
    it, as in a decomposed "café's"."""
    letters, joints = category_class("LMN", last), re.escape(joining)
    return re.compile(f"[{joints}](?:(?<![{letters}][{joints}])|(?![{letters}]))")


def without_punctuation(text: str, keep: str, inside_words: bool, replacement: str) -> str:
    """The text with `replacement` for every mark but those kept, and those inside words."""
    joining = "".join(mark for mark in INSIDE_WORDS if mark not in keep) if inside_words else ""
    last = highest(text)
    removed = marks(keep + joining, last)
    if joining:
        # First those whose neighbours matter, while these are still there, as one of the others: a search for one class
        # is much faster than one for either of two.
        text = loose(joining, last).sub(removed[0] if removed else lambda _: replacement, text)
    return any_of(removed).sub(replacement.replace("\\", r"\\"), text)


class RemovePunctuation(Preprocessor):
    """Remove every character of Unicode's punctuation categories (Pc, Pd, Ps, Pe, Pi, Pf, Po).

    Source: The Unicode Standard, section 4.5 (general category).
    """

    keep: Annotated[str, Field(description="Characters that stay")] = ""
    inside_words: Annotated[bool, Field(description="Keep apostrophes and hyphens between letters or digits")] = True
    replacement: Annotated[str, Field(description="What stands in their place")] = ""

    def process(self, document: Document) -> Document | Dropped:
        """The document without punctuation."""
        return document.map_text(
            self.fields, lambda text: without_punctuation(text, self.keep, self.inside_words, self.replacement)
        )
