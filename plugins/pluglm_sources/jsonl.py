"""JSON lines."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from typing import Annotated, Any

from pydantic import Field

from pluglm import Document, Unreadable
from pluglm_sources.local_files import FileSource, decoded, lines_of


class Jsonl(FileSource):
    """Files of JSON lines (jsonlines.org): a document for each.

    A line that is no object, or lacks its text, is quarantined with its number, and reading goes on behind it.
    """

    text: Annotated[str, Field(min_length=1, description="The column that holds the text")] = "text"
    fields: Annotated[
        Mapping[str, str], Field(description="Document fields and the columns they come from: {label: category}")
    ] = {}
    metadata: Annotated[tuple[str, ...], Field(description="Columns kept as metadata")] = ()
    id: Annotated[str | None, Field(description="The column of a unique id; null for file and line")] = None
    max_line_bytes: Annotated[int, Field(ge=1, description="Longer lines are quarantined unread")] = 16_000_000

    def read(self) -> Iterator[Document | Unreadable]:
        """The documents, in the order of the sorted paths."""
        for path in self.inputs():
            number = 0
            for number, line in lines_of(path, self.max_line_bytes):
                locator = f"{path}:{number}"
                text = line if isinstance(line, Unreadable) else decoded(line, locator)
                if isinstance(text, Unreadable):
                    yield text
                elif text.strip():
                    yield self._document(text, locator)
            if number == 0:
                yield Unreadable(str(path), "empty_file")

    def _document(self, line: str, locator: str) -> Document | Unreadable:
        try:
            record = json.loads(line)
        except (ValueError, RecursionError) as error:
            return Unreadable(locator, "invalid_json", str(error))
        if not isinstance(record, dict):
            return Unreadable(locator, "not_an_object", f"a {type(record).__name__}")
        columns = [self.text, *self.fields.values(), *([self.id] if self.id else [])]
        missing = [column for column in columns if record.get(column) is None]
        if missing:
            return Unreadable(locator, "missing_column", f"{', '.join(missing)}; it has {', '.join(list(record)[:20])}")
        if not isinstance(record[self.text], str):
            return Unreadable(locator, "wrong_type", f"{self.text} is a {type(record[self.text]).__name__}, not text")
        fields: dict[str, Any] = {name: record[column] for name, column in self.fields.items()}
        wrong = [name for name, value in fields.items() if isinstance(value, dict)]
        if wrong:
            return Unreadable(locator, "wrong_type", f"{self.fields[wrong[0]]} is an object")
        # The line is part of the id, because nothing says that a file's own ids are unique.
        name = f"{locator}:{record[self.id]}" if self.id else locator
        kept = {column: record[column] for column in self.metadata if column in record}
        return Document(record[self.text], id=name, fields=fields, metadata=kept)
