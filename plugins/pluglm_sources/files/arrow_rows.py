"""Rows of Arrow as Python has them."""

from __future__ import annotations

from typing import Any


def rows_of(batch: Any) -> list[dict[str, Any]]:
    """The rows of a record batch. Where a column of text has bytes that are no UTF-8, its values come as bytes: it
    costs the rows that hold them, and no others."""
    try:
        rows: list[dict[str, Any]] = batch.to_pylist()
    except UnicodeDecodeError:
        rows = _undecoded(batch).to_pylist()
    return rows


def _undecoded(batch: Any) -> Any:
    import pyarrow as pa

    columns = []
    for column in batch.columns:
        kind = column.type.value_type if pa.types.is_dictionary(column.type) else column.type
        if pa.types.is_string(kind) or pa.types.is_large_string(kind) or pa.types.is_string_view(kind):
            column = column.dictionary_decode() if pa.types.is_dictionary(column.type) else column
            column = column.cast(pa.large_binary() if pa.types.is_large_string(kind) else pa.binary())
        columns.append(column)
    return pa.record_batch(columns, names=batch.schema.names)
