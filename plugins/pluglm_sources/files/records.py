"""Records with named columns to documents, whatever file they come from."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Annotated, Any, Self

from pydantic import Field

from pluglm import Document, Source, Unreadable
from pluglm_sources.files.local import FileSource
from pluglm_sources.files.values import NotPlain, named, plain, plain_field


class Columns(Source):
    """Base of the sources of records: which column is the text, and what else is taken."""

    text: Annotated[str, Field(min_length=1, description="The column that holds the text")] = "text"
    fields: Annotated[
        Mapping[str, str], Field(description="Document fields and the columns they come from: {label: category}")
    ] = {}
    optional_fields: Annotated[
        tuple[str, ...],
        Field(
            description="Document fields taken from a column of their own name in the records that have one; those "
            "that the objective needs (label ...) are always among them"
        ),
    ] = ()
    metadata: Annotated[tuple[str, ...], Field(description="Columns kept as metadata")] = ()
    id: Annotated[str | None, Field(description="The column of a unique id; null for file and place in it")] = None

    def offering(self, fields: Sequence[str]) -> Self:
        """Also these document fields, where a record has a column of that name."""
        further = [name for name in fields if name not in ("text", *self.fields, *self.optional_fields)]
        return self.model_copy(update={"optional_fields": (*self.optional_fields, *further)}) if further else self

    def columns(self) -> list[str]:
        """The columns without which a record is no document."""
        return [self.text, *self.fields.values(), *([self.id] if self.id else [])]

    def needed(self) -> list[str]:
        """All columns that are looked at, each once."""
        return list(dict.fromkeys([*self.columns(), *self.optional_fields, *self.metadata]))

    def document(self, record: object, locator: str) -> Document | Unreadable:
        """The document of one record of plain values, or what is wrong with it."""
        if not isinstance(record, dict):
            return Unreadable(locator, "not_an_object", f"a {type(record).__name__}")
        missing = [column for column in self.columns() if record.get(column) is None]
        if missing:
            return Unreadable(locator, "missing_column", f"{', '.join(missing)}; it has {', '.join(list(record)[:20])}")
        if not isinstance(record[self.text], str):
            return Unreadable(locator, "wrong_type", f"{self.text} is a {type(record[self.text]).__name__}, not text")
        fields: dict[str, Any] = {name: record[column] for name, column in self.fields.items()}
        for name in self.optional_fields:
            if record.get(name) is not None:
                fields.setdefault(name, record[name])
        wrong = [name for name, value in fields.items() if isinstance(value, dict)]
        if wrong:
            return Unreadable(locator, "wrong_type", f"{self.fields.get(wrong[0], wrong[0])} is an object")
        kept = {column: record[column] for column in self.metadata if column in record}
        if self.id is None:
            return Document(record[self.text], id=locator, fields=fields, metadata=kept)
        number = named(record[self.id])
        if number is None:
            return Unreadable(locator, "wrong_type", f"{self.id} is a {type(record[self.id]).__name__}, no id")
        # The place is part of the id, because in several files the same ids may stand.
        return Document(record[self.text], id=f"{locator}:{number}", fields=fields, metadata=kept, record=number)

    def table_document(self, row: Mapping[str, Any], locator: str) -> Document | Unreadable:
        """`document` of a row whose values are of the types of a table: bytes, dates, numbers that are none."""
        record: dict[str, Any] = {}
        labels = {*self.fields.values(), *self.optional_fields}
        for column in self.needed():
            if column in row:
                try:
                    record[column] = plain_field(row[column]) if column in labels else plain(row[column])
                except NotPlain as error:
                    return Unreadable(locator, "wrong_type", f"{column} is {error}")
        return self.document(record, locator)


class RecordSource(Columns, FileSource):
    """Base of the sources whose files hold records."""
