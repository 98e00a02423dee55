"""Apache Parquet."""

from __future__ import annotations

import datetime
import decimal
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from pluglm import Document, Unreadable
from pluglm_sources.files.records import RecordSource

ROWS = 256
"""How many rows are in memory at once: texts may be long."""


class Parquet(RecordSource):
    """Parquet files: a document for each row, of which only the columns that are needed are read.

    Row groups stand by themselves, so that damage costs the group it hit and reading goes on behind it. A file without
    its end, where Parquet keeps its table of contents, cannot be read at all.

    Source: https://parquet.apache.org/docs/file-format/
    """

    requires = {"pyarrow": "pluglm[data]"}

    @classmethod
    def example(cls, folder: Path) -> dict[str, Any]:
        """A file of two rows."""
        import pyarrow
        from pyarrow import parquet

        parquet.write_table(pyarrow.table({"text": ["One text.", "Another text."]}), folder / "texts.parquet")
        return {"paths": [str(folder / "texts.parquet")]}

    def read(self) -> Iterator[Document | Unreadable]:
        """The documents, in the order of the sorted paths."""
        import pyarrow
        from pyarrow import parquet

        for path in self.inputs():
            try:
                file = parquet.ParquetFile(path)
            except (pyarrow.ArrowException, OSError) as error:
                yield Unreadable(str(path), "not_parquet", _first_line(error))
                continue
            with file:
                yield from self._rows(file, path)

    def _rows(self, file: Any, path: Path) -> Iterator[Document | Unreadable]:
        import pyarrow

        known = file.schema_arrow.names
        wanted = [name for name in dict.fromkeys([*self.columns(), *self.metadata]) if name in known]
        missing = [name for name in self.columns() if name not in known]
        lacking = f"{', '.join(missing)}; it has {', '.join(known[:20])}"
        number = 0
        for group in range(file.num_row_groups):
            rows = file.metadata.row_group(group).num_rows
            first, number = number, number + rows
            try:
                for batch in file.iter_batches(ROWS, row_groups=[group], columns=wanted):
                    # Without a column that is wanted there is nothing to read, and every row says so.
                    found = batch.to_pylist() if wanted else [{}] * batch.num_rows
                    for record in found:
                        first += 1
                        if missing:
                            yield Unreadable(f"{path}:{first}", "missing_column", lacking)
                            continue
                        plain = {name: _plain(value) for name, value in record.items()}
                        yield self.document(plain, f"{path}:{first}")
            except (pyarrow.ArrowException, OSError, UnicodeDecodeError) as error:
                yield Unreadable(f"{path}:rows {first + 1} to {number}", "truncated_or_damaged", _first_line(error))


def _plain(value: Any) -> Any:
    """A value as JSON has it."""
    if isinstance(value, datetime.datetime | datetime.date | datetime.time):
        return value.isoformat()
    return str(value) if isinstance(value, decimal.Decimal | bytes | datetime.timedelta) else value


def _first_line(error: Exception) -> str:
    return next(iter(str(error).splitlines()), type(error).__name__)
