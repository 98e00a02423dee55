from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from pluglm.batching.order import ExampleOrder
from pluglm.batching.table import ExampleTable, TableWriter, write_table


def test_examples_come_back_as_they_were(tmp_path: Path) -> None:
    examples = [{"input_ids": [1, 2, 70000], "label": 1, "weight": 0.5}, {"input_ids": [], "label": 0, "weight": 1.0}]
    assert write_table(tmp_path / "t", examples) == 2
    table = ExampleTable(tmp_path / "t")
    assert len(table) == 2 and list(table.lengths()) == [3, 0]
    assert table[0]["input_ids"].tolist() == [1, 2, 70000] and table[0]["label"] == 1 and table[0]["weight"] == 0.5
    assert table[1]["input_ids"].tolist() == []


@given(st.lists(st.tuples(st.lists(st.integers(0, 2**32 - 1), max_size=9), st.integers(-9, 9)), max_size=40))
def test_any_examples_come_back(tmp_path_factory: pytest.TempPathFactory, rows: list[tuple[list[int], int]]) -> None:
    folder = tmp_path_factory.mktemp("table") / "t"
    assert write_table(folder, ({"input_ids": ids, "label": label} for ids, label in rows)) == len(rows)
    table = ExampleTable(folder)
    found = [(table[n]["input_ids"].tolist(), table[n]["label"]) for n in range(len(table))]
    assert found == rows


def test_little_is_held_in_memory(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("pluglm.batching.table.BUFFERED", 100)
    writer, held = TableWriter(tmp_path / "t"), []
    writer.declare("input_ids", "list", "<u2")
    for number in range(300):
        writer.extend("input_ids", [number] * 7, [7])
        held.append(sum(len(part) for buffer in writer._buffers.values() for part in buffer))
    writer.close(300)
    assert max(held) < 200 and ExampleTable(tmp_path / "t")[299]["input_ids"].tolist() == [299] * 7


def test_a_terabyte_of_tokens_opens_at_once(tmp_path: Path) -> None:
    length, folder = 1024, tmp_path / "t"
    examples = 2**40 // 2 // length
    folder.mkdir()
    with (folder / "input_ids.bin").open("wb") as file:
        # A file of nothing but a length: where it was not written, it takes no room.
        file.truncate(examples * length * 2)
    columns: dict[str, Any] = {
        "input_ids": {"kind": "block", "dtype": "<u2", "length": length},
        "weight": {"kind": "constant", "value": 1.0},
    }
    (folder / "columns.json").write_text(json.dumps({"examples": examples, "columns": columns}))
    table = ExampleTable(folder)
    order = ExampleOrder(table.lengths(), 8, seed=0)
    places = [place for step in (0, 1, 10_000_000) for _, place in order.step(step)]
    assert table[places[-1]]["input_ids"].shape == (length,) and table[places[0]]["weight"] == 1.0
    # Nothing is held that grows with the half a billion examples.
    assert table.lengths().strides == (0,) and order._epochs == {}
    assert len(set(places)) == len(places) and max(places) > examples // 2
