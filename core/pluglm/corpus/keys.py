"""Keys of documents, by which a preprocessor decides over the whole corpus."""

from __future__ import annotations

from bisect import bisect_right
from collections.abc import Iterator, Sequence
from functools import lru_cache
from itertools import accumulate
from pathlib import Path
from typing import TYPE_CHECKING, Any

from pluglm.corpus.columns import bytes_column, number_column, text_column
from pluglm.files.replacing import replaced_file

if TYPE_CHECKING:
    import pyarrow


class KeyList(list[Any]):
    """Keys in memory, in the form of those on disk (`pluglm.Keys`)."""

    def part(self, number: int) -> Iterator[Any]:
        """That entry of every key."""
        return (key[number] for key in self)


def write_keys(path: Path, keys: Sequence[Any]) -> None:
    """Keys as a file of Arrow, a column for each entry of a key that is a tuple."""
    import pyarrow as pa

    several = bool(keys) and isinstance(keys[0], tuple)
    columns = list(zip(*keys, strict=True)) if several else [keys]
    arrays = [_arrow(column) for column in columns]
    batch = pa.record_batch(arrays, names=[f"{'part' if several else 'key'}{n}" for n in range(len(arrays))])

    with (
        replaced_file(path) as temporary,
        pa.OSFile(str(temporary), "wb") as sink,
        pa.ipc.new_file(sink, batch.schema) as writer,
    ):
        writer.write_batch(batch)


def _arrow(column: Sequence[Any]) -> pyarrow.Array:
    first = column[0] if column else 0
    if isinstance(first, bytes):
        return bytes_column(column)
    return text_column(column) if isinstance(first, str) else number_column(column, "int64")


class StoredKeys:
    """The keys in several files, one behind the other. They are mapped into memory, not read into it."""

    def __init__(self, paths: Sequence[Path], counts: Sequence[int]) -> None:
        self._paths = list(paths)
        self._ends = list(accumulate(counts))

    def __len__(self) -> int:
        return self._ends[-1] if self._ends else 0

    def __iter__(self) -> Iterator[Any]:
        for path in self._paths:
            batch = _mapped(path)
            columns = [column.to_pylist() for column in batch.columns]
            yield from zip(*columns, strict=True) if batch.schema.names[0] == "part0" else columns[0]

    def __getitem__(self, number: int) -> Any:
        if not 0 <= number < len(self):
            raise IndexError(number)
        place = bisect_right(self._ends, number)
        batch = _mapped(self._paths[place])
        row = number - (self._ends[place - 1] if place else 0)
        values = tuple(column[row].as_py() for column in batch.columns)
        return values if batch.schema.names[0] == "part0" else values[0]

    def part(self, number: int) -> Iterator[Any]:
        """That entry of every key; the others are not read."""
        for path in self._paths:
            batch = _mapped(path)
            if batch.num_rows:
                yield from batch.column(number).to_pylist()


@lru_cache(maxsize=512)
def _mapped(path: Path) -> Any:
    import pyarrow as pa

    with pa.ipc.open_file(pa.memory_map(str(path))) as file:
        return file.get_batch(0)
