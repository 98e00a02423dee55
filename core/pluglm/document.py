"""The unit that sources yield and every station of the corpus works on."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Iterator
from dataclasses import asdict, dataclass, field
from typing import Any


@dataclass(slots=True)
class Document:
    """One document.

    Attributes:
        text: what a language model reads.
        id: unique within its source; randomness and the split derive from it, so it must not depend on order.
        source: name of the source technique; set by the core.
        fields: named task data beside the text: label, question, answers, target, chosen, group ...
        media: pictures or sound, by path or bytes.
        metadata: title, author, licence, time, language, score ...
        weight: how much the document counts in the loss (1 is normal).
        record: the id that the format itself gives the record, or "". Of two records of a source with the same, the
            second is quarantined as `duplicate_id`. It is not kept.
    """

    text: str
    id: str = ""
    source: str = ""
    fields: dict[str, Any] = field(default_factory=dict)
    media: dict[str, Any] = field(default_factory=dict)
    metadata: dict[str, Any] = field(default_factory=dict)
    weight: float = 1.0
    record: str = ""

    def get(self, name: str) -> Any:
        """The text, or the field of that name, or None."""
        return self.text if name == "text" else self.fields.get(name)

    def map_text(self, names: Iterable[str], change: Callable[[str], str]) -> Document:
        """A copy with `change` applied to the text and fields named, or this document itself where that changes none of
        them; fields that are absent or not text are left."""
        text, fields = self.text, self.fields
        for name in names:
            if name == "text":
                text = change(text)
            elif isinstance(fields.get(name), str):
                changed = change(fields[name])
                if changed != fields[name]:
                    fields = fields | {name: changed}
        if text == self.text and fields is self.fields:
            return self
        # Several times faster than dataclasses.replace, and most of what a light step costs.
        return Document(text, self.id, self.source, fields, self.media, self.metadata, self.weight)

    def as_dict(self) -> dict[str, Any]:
        """Plain data, empty parts left out."""
        return {key: value for key, value in asdict(self).items() if value not in ("", {}, 1.0) or key == "text"}


@dataclass(frozen=True, slots=True)
class Unreadable:
    """A record that a source could not turn into a document; it goes to the quarantine, never away silently.

    `locator` says where it is (`mail.jsonl:17`), `reason` why, as a short code (`invalid_utf8`), `detail` what the
    reader said.
    """

    locator: str
    reason: str
    detail: str = ""


@dataclass(frozen=True, slots=True)
class Dropped:
    """A preprocessor's or a source's decision to leave a document out, its reason as a short code (`too_short`).

    `detail`, what was found in it, stands beside the samples of what was dropped, so that one can see what is dropped
    wrongly.
    """

    reason: str
    detail: str = ""


LONG_TEXT = 1 << 18
PART = 1 << 17
# A white space between two characters that are none. Splitters of words begin a word there, whatever stands around.
SPACE, ANY_SPACE = re.compile(r"(?<=\S) (?=\S)"), re.compile(r"(?<=\S)\s(?=\S)")


def text_parts(text: str) -> Iterator[str]:
    """A long text in parts of `PART` characters or more, each of which begins with a white space between two words;
    any other text whole.

    Libraries that split a text into words keep some hundred bytes for each word until they are through.
    """
    start = 0
    while len(text) - start > LONG_TEXT:
        begins = SPACE.search(text, start + PART, start + 2 * PART) or ANY_SPACE.search(text, start + PART)
        if begins is None:
            break
        yield text[start : begins.start()]
        start = begins.start()
    yield text[start:] if start else text
