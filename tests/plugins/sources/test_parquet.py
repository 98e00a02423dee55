"""Parquet as pyarrow writes it, whole and damaged."""

from __future__ import annotations

import datetime
from pathlib import Path

import pyarrow
import pytest
from pyarrow import parquet

from pluglm import Document, Unreadable
from pluglm_sources.parquet import Parquet


def write(path: Path, rows: int = 100, group: int = 20, **more) -> Path:
    columns = {
        "text": [f"Text number {n}, which nobody wrote." for n in range(rows)],
        "label": [n % 3 for n in range(rows)],
    }
    columns["day"] = [datetime.date(2024, 1, 1 + n % 28) for n in range(rows)]
    parquet.write_table(pyarrow.table({**columns, **more}), path, row_group_size=group, compression="snappy")
    return path


def read(path, **parameters):
    return list(Parquet(paths=(str(path),), **parameters).read())


def test_rows_are_documents(tmp_path):
    path = write(tmp_path / "a.parquet")
    found = read(path, fields={"topic": "label"}, metadata=("day",))
    assert [d.text for d in found] == [f"Text number {n}, which nobody wrote." for n in range(100)]
    assert found[4].fields == {"topic": 1} and found[4].metadata == {"day": "2024-01-05"}
    assert found[0].id == f"{path}:1" and len({d.id for d in found}) == 100


@pytest.mark.parametrize("group", [1, 7, 100, 1000])
def test_row_groups_change_nothing(tmp_path, group):
    assert [d.id for d in read(write(tmp_path / "a.parquet", group=group))] == [
        f"{tmp_path / 'a.parquet'}:{n + 1}" for n in range(100)
    ]


def test_what_a_row_lacks_is_told(tmp_path):
    path = write(tmp_path / "a.parquet", 4, text=["a text", None, "another", "last"])
    found = read(path)
    assert [type(item).__name__ for item in found] == ["Document", "Unreadable", "Document", "Document"]
    assert found[1].locator == f"{path}:2" and found[1].reason == "missing_column"
    missing = read(path, text="body")
    assert len(missing) == 4 and {item.reason for item in missing} == {"missing_column"}
    assert missing[0].detail.startswith("body; it has text")
    assert {item.reason for item in read(path, text="label")} == {"wrong_type"}


def test_damage_costs_its_row_group(tmp_path):
    path = write(tmp_path / "a.parquet")
    data = bytearray(path.read_bytes())
    where = parquet.ParquetFile(path).metadata.row_group(2).column(0)
    for offset in range(where.data_page_offset, where.data_page_offset + where.total_compressed_size // 2):
        data[offset] ^= 0x5A
    path.write_bytes(data)
    found = read(path)
    documents = [item for item in found if isinstance(item, Document)]
    (broken,) = [item for item in found if isinstance(item, Unreadable)]
    assert broken.locator == f"{path}:rows 41 to 60" and broken.reason == "truncated_or_damaged"
    assert [d.id for d in documents] == [f"{path}:{n}" for n in (*range(1, 41), *range(61, 101))]


@pytest.mark.parametrize("content", [b"", b"PAR1", b"not parquet at all", None])
def test_what_is_no_parquet_is_told(tmp_path, content):
    path = write(tmp_path / "a.parquet")
    path.write_bytes(path.read_bytes()[:-40] if content is None else content)
    other = write(tmp_path / "b.parquet", 3)
    found = list(Parquet(paths=(str(tmp_path / "*.parquet"),)).read())
    assert [type(item).__name__ for item in found] == ["Unreadable", *["Document"] * 3]
    assert found[0].reason == "not_parquet" and found[0].locator == str(path)
    assert found[1].id.startswith(str(other))
