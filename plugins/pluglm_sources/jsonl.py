"""JSON lines."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Annotated, Any

from pydantic import Field

from pluglm import Document, Unreadable
from pluglm_sources.files.json_text import parsed
from pluglm_sources.files.reading import text_lines_of
from pluglm_sources.files.records import RecordSource


class Jsonl(RecordSource):
    """Files of JSON lines (jsonlines.org): a document for each.

    A line that is no object, or lacks its text, is quarantined with its number, and reading goes on behind it.
    """

    max_line_bytes: Annotated[int, Field(ge=1, description="Longer lines are quarantined unread")] = 16_000_000

    @classmethod
    def example(cls, folder: Path) -> dict[str, Any]:
        """A file of two lines."""
        (folder / "texts.jsonl").write_text('{"text": "One text."}\n{"text": "Another text."}\n', encoding="utf-8")
        return {"paths": [str(folder / "texts.jsonl")]}

    def read_file(self, path: Path) -> Iterator[Document | Unreadable]:
        """The documents of one file, line by line."""
        for locator, text in text_lines_of(path, self.max_line_bytes):
            record = text if isinstance(text, Unreadable) else parsed(text, locator)
            yield record if isinstance(record, Unreadable) else self.document(record, locator)
