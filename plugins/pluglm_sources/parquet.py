"""Apache Parquet."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

from pluglm import Document, Unreadable
from pluglm_sources.files.arrow_rows import rows_of
from pluglm_sources.files.paths import shown
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

    def read_file(self, path: Path) -> Iterator[Document | Unreadable]:
        """The documents of one file, row by row."""
        import pyarrow
        from pyarrow import parquet

        try:
            # Where pages have checksums, what does not agree with them is not taken.
            file = parquet.ParquetFile(path, page_checksum_verification=True)
        except (pyarrow.ArrowException, OSError) as error:
            yield Unreadable(shown(path), "not_parquet", _first_line(error))
            return
        with file:
            yield from self._rows(file, shown(path))

    def _rows(self, file: Any, path: str) -> Iterator[Document | Unreadable]:
        import pyarrow

        known = file.schema_arrow.names
        wanted = [name for name in self.needed() if name in known]
        missing = [name for name in self.columns() if name not in known]
        lacking = f"{', '.join(missing)}; it has {', '.join(known[:20])}"
        number = 0
        for group in range(file.num_row_groups):
            rows = file.metadata.row_group(group).num_rows
            first, number = number, number + rows
            try:
                for batch in file.iter_batches(ROWS, row_groups=[group], columns=wanted):
                    # Without a column that is wanted there is nothing to read, and every row says so.
                    found = rows_of(batch) if wanted else [{}] * batch.num_rows
                    for record in found:
                        first += 1
                        if missing:
                            yield Unreadable(f"{path}:{first}", "missing_column", lacking)
                            continue
                        yield self.table_document(record, f"{path}:{first}")
            except (pyarrow.ArrowException, OSError, UnicodeDecodeError) as error:
                yield Unreadable(f"{path}:rows {first + 1} to {number}", "truncated_or_damaged", _first_line(error))


def _first_line(error: Exception) -> str:
    return next(iter(str(error).splitlines()), type(error).__name__)
