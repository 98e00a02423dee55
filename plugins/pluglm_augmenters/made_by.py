"""What a changed copy says about itself."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

from pluglm import Document


def made_by(name: str, before: Document, after: Document, **how: Any) -> Document | None:
    """`after` with `metadata["augmented_by"]`, the list of what changed it, each with its name and `how`; None where
    the text and fields are those of `before`."""
    if after.text == before.text and after.fields == before.fields:
        return None
    steps = [*before.metadata.get("augmented_by", ()), {"name": name, **how}]
    return replace(after, metadata={**before.metadata, "augmented_by": steps})


def with_text(document: Document, name: str, text: str) -> Document:
    """The document with another text, or another value in the field of that name."""
    if name == "text":
        return replace(document, text=text)
    return replace(document, fields=document.fields | {name: text})
