"""Unicode normalisation and the cleaning of invisible characters."""

from __future__ import annotations

import re
import unicodedata
from typing import Annotated, Literal

from pydantic import Field

from pluglm import Document, Dropped, Preprocessor

# All of category Cc but tab and line ends, and the invisible format characters that text is littered with.
INVISIBLE = re.compile("[\x00-\x08\x0e-\x1f\x7f-\x84\x86-\x9f\u00ad\u200b\u2060\ufeff]")
# The Unicode Standard, section 5.8, Newline Guidelines.
LINE_ENDS = re.compile("[\r\x0b\x0c\x85\u2028\u2029]")
BLANK_LINES = re.compile(r"\n{4,}")
QUOTES = str.maketrans({**dict.fromkeys("‘’‚‛′", "'"), **dict.fromkeys("“”„‟″«»", '"')})


class Normalize(Preprocessor):
    """Bring text into one Unicode normal form, and clean white space, invisible characters and quotes.

    Source: Unicode Standard Annex 15, https://www.unicode.org/reports/tr15/.
    """

    form: Annotated[Literal["NFC", "NFD", "NFKC", "NFKD", "none"], Field(description="Unicode normal form")] = "NFC"
    whitespace: Annotated[
        Literal["keep", "trailing", "collapse"],
        Field(description="trailing: unify line ends, strip lines' ends; collapse: every run becomes one space"),
    ] = "trailing"
    invisible: Annotated[bool, Field(description="Remove control and zero-width characters")] = True
    quotes: Annotated[bool, Field(description="Turn typographic quotes into straight ones")] = False

    def process(self, document: Document) -> Document | Dropped:
        """The document, normalised."""
        return document.map_text(self.fields, self.normalized)

    def normalized(self, text: str) -> str:
        """The text after all steps; doing it again changes nothing."""
        if self.whitespace != "keep":
            text = LINE_ENDS.sub("\n", text.replace("\r\n", "\n"))
        if self.invisible:
            text = INVISIBLE.sub("", text)
        if self.quotes:
            text = text.translate(QUOTES)
        if self.form != "none":
            text = unicodedata.normalize(self.form, text)
        if self.quotes and self.form in ("NFKC", "NFKD"):
            # Compatibility forms take some marks apart into primes.
            text = text.translate(QUOTES)
        if self.whitespace == "collapse":
            return " ".join(text.split())
        if self.whitespace == "trailing":
            text = BLANK_LINES.sub("\n\n\n", "\n".join(map(str.rstrip, text.split("\n"))))
        return text
