"""Personal data taken out of text."""

from __future__ import annotations

import hashlib
from typing import Annotated, Literal

from pydantic import Field

from pluglm import Document, Dropped, Preprocessor
from pluglm_preprocessors.unwanted.identifiers import spans

Kind = Literal["email", "phone", "ip", "card", "iban", "secret"]


class PersonalData(Preprocessor):
    """Take e-mail addresses, telephone numbers, IP addresses, card numbers, IBANs and secrets out of text.

    Secrets are keys and tokens of known forms. Card numbers count only with a right check digit (Luhn), IBANs with
    theirs (modulo 97), IP addresses where they are valid. Names and postal addresses are not found: no rule tells them
    from other words.

    Sources: ISO/IEC 7812-1 (cards), ISO 13616 (IBAN), E.164 (telephone numbers).
    """

    kinds: Annotated[tuple[Kind, ...], Field(min_length=1, description="What is looked for")] = (
        "email", "phone", "ip", "card", "iban", "secret",
    )  # fmt: skip
    action: Annotated[
        Literal["replace", "hash", "drop"],
        Field(description="Put the kind in its place, or the kind with a hash of it, or drop the document"),
    ] = "replace"
    salt: Annotated[str, Field(description="What is hashed with it, so that a hash cannot be looked up")] = ""

    def process(self, document: Document) -> Document | Dropped:
        """The document without them."""
        if self.action == "drop":
            for name in self.fields:
                for _, _, kind in spans(str(document.get(name) or ""), self.kinds):
                    return Dropped(f"personal_data_{kind}")
            return document
        return document.map_text(self.fields, self.without)

    def without(self, text: str) -> str:
        """The text with a mark such as <email> in the place of each."""
        parts, last = [], 0
        for start, end, kind in spans(text, self.kinds):
            mark = kind
            if self.action == "hash":
                # Equal identifiers get equal marks, so that who wrote to whom can still be told.
                mark += ":" + hashlib.sha256(f"{self.salt}\0{text[start:end]}".encode()).hexdigest()[:12]
            parts += [text[last:start], f"<{mark}>"]
            last = end
        return "".join([*parts, text[last:]])
