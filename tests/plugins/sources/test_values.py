"""Values that are no text, and values that are missing: one rule for every source of rows."""

from __future__ import annotations

import json
import os
from pathlib import Path

import pyarrow as pa
import pytest
from pyarrow import parquet

from pluglm import Document, Unreadable
from pluglm_sources.jsonl import Jsonl
from pluglm_sources.parquet import Parquet
from pluglm_sources.text_files import TextFiles


def test_bytes_in_a_column_of_text_are_decoded_or_quarantined(tmp_path: Path) -> None:
    rows = ["Für alle".encode(), b"\xff\xfe broken", b"plain"]
    parquet.write_table(pa.table({"text": pa.array(rows, pa.binary())}), tmp_path / "a.parquet")
    found = list(Parquet(paths=[str(tmp_path / "a.parquet")]).read())
    assert [item.text for item in found if isinstance(item, Document)] == ["Für alle", "plain"]
    (wrong,) = (item for item in found if isinstance(item, Unreadable))
    assert "b'" not in "".join(item.text for item in found if isinstance(item, Document))
    assert wrong.reason


def test_missing_labels_are_missing(tmp_path: Path) -> None:
    table = pa.table({"text": ["one", "two", "three", "four"], "label": [1.0, float("nan"), None, 0.0]})
    parquet.write_table(table, tmp_path / "a.parquet")
    source = Parquet.model_validate({"paths": [str(tmp_path / "a.parquet")], "fields": {"label": "label"}})
    found = list(source.read())
    assert [item.get("label") for item in found if isinstance(item, Document)] == [1, 0]
    missing = [item for item in found if isinstance(item, Unreadable)]
    assert len(missing) == 2 and len({item.reason for item in missing}) == 1, "NaN and null are one thing"


@pytest.mark.parametrize("value", [None, 3, True, ["a"], {"a": 1}, 1.5])
def test_a_text_of_another_type_is_no_document(tmp_path: Path, value: object) -> None:
    path = tmp_path / "a.jsonl"
    path.write_text(json.dumps({"text": value}) + "\n" + json.dumps({"text": "a text"}) + "\n")
    found = list(Jsonl(paths=[str(path)]).read())
    assert [item.text for item in found if isinstance(item, Document)] == ["a text"] and len(found) == 2


def test_one_file_is_read_once_however_it_is_spelt(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    (tmp_path / "a.txt").write_text("the text of a file")
    (tmp_path / "link.txt").symlink_to("a.txt")
    found = list(TextFiles(paths=["a.txt", "./a.txt", str(tmp_path / "a.txt"), "*.txt"]).read())
    assert [item.text for item in found if isinstance(item, Document)] == ["the text of a file"]


def test_a_pipe_is_refused_and_does_not_hang(tmp_path: Path) -> None:
    os.mkfifo(tmp_path / "pipe.txt")
    (told,) = TextFiles(paths=[str(tmp_path / "pipe.txt")]).read()
    assert isinstance(told, Unreadable) and "pipe" in told.locator
