"""Repairing text that was decoded with the wrong encoding."""

from __future__ import annotations

import re
from typing import Annotated

from pydantic import Field

from pluglm import Document, Dropped, Preprocessor

# What UTF-8 looks like when it was read as Latin-1 or a Windows code page: a lead byte followed by a continuation byte,
# each as a character; and the controls and replacement characters that such accidents leave.
LEAD, CONTINUED = "\u00c2-\u00f4", "\u0080-\u00bf\u0152-\u0178\u0192\u02c6\u02dc\u2013-\u203a\u20ac\u2122"
SUSPICIOUS = re.compile(f"[{LEAD}][{CONTINUED}]|[\u0080-\u009f\ufffd]")


class FixEncoding(Preprocessor):
    """Repair text whose bytes were decoded with the wrong encoding: "cafÃ©" becomes "café".

    Only documents with a suspicious pair of characters are looked at, because the repair is slow; it changes only what
    becomes likelier text by it. Quotes, ligatures and widths stay as they are.

    Source: Speer 2019, ftfy, https://ftfy.readthedocs.io
    """

    requires = {"ftfy": "pluglm[data]"}

    always: Annotated[bool, Field(description="Look at every document, suspicious or not")] = False

    def process(self, document: Document) -> Document | Dropped:
        """The document, repaired where it needs it."""
        return document.map_text(self.fields, self.repaired)

    def repaired(self, text: str) -> str:
        """The text as it was meant."""
        if not (self.always or SUSPICIOUS.search(text)):
            return text
        import ftfy

        return str(ftfy.fix_encoding(text))
