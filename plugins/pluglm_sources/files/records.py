"""Records with named columns to documents, whatever file they come from."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Annotated, Any

from pydantic import Field

from pluglm import Document, Source, Unreadable
from pluglm_sources.files.local import FileSource


class Columns(Source):
    """Base of the sources of records: which column is the text, and what else is taken."""

    text: Annotated[str, Field(min_length=1, description="The column that holds the text")] = "text"
    fields: Annotated[
        Mapping[str, str], Field(description="Document fields and the columns they come from: {label: category}")
    ] = {}
    metadata: Annotated[tuple[str, ...], Field(description="Columns kept as metadata")] = ()
    id: Annotated[str | None, Field(description="The column of a unique id; null for file and place in it")] = None

    def columns(self) -> list[str]:
        """The columns without which a record is no document."""
        return [self.text, *self.fields.values(), *([self.id] if self.id else [])]

    def document(self, record: object, locator: str) -> Document | Unreadable:
        """The document of one record, or what is wrong with it."""
        if not isinstance(record, dict):
            return Unreadable(locator, "not_an_object", f"a {type(record).__name__}")
        missing = [column for column in self.columns() if record.get(column) is None]
        if missing:
            return Unreadable(locator, "missing_column", f"{', '.join(missing)}; it has {', '.join(list(record)[:20])}")
        if not isinstance(record[self.text], str):
            return Unreadable(locator, "wrong_type", f"{self.text} is a {type(record[self.text]).__name__}, not text")
        fields: dict[str, Any] = {name: record[column] for name, column in self.fields.items()}
        wrong = [name for name, value in fields.items() if isinstance(value, dict)]
        if wrong:
            return Unreadable(locator, "wrong_type", f"{self.fields[wrong[0]]} is an object")
        # The place is part of the id, because nothing says that a file's own ids are unique.
        name = f"{locator}:{record[self.id]}" if self.id else locator
        kept = {column: record[column] for column in self.metadata if column in record}
        return Document(record[self.text], id=name, fields=fields, metadata=kept)


class RecordSource(Columns, FileSource):
    """Base of the sources whose files hold records."""
