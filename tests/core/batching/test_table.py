from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
from hypothesis import given
from hypothesis import strategies as st

from pluglm.batching.packing import TokenAccount, packed
from pluglm.batching.table import ExampleTable, write_table


def test_examples_come_back_as_they_were(tmp_path: Path) -> None:
    examples = [{"input_ids": [1, 2, 70000], "label": 1, "weight": 0.5}, {"input_ids": [], "label": 0, "weight": 1.0}]
    assert write_table(tmp_path / "t", examples) == 2
    table = ExampleTable(tmp_path / "t")
    assert len(table) == 2 and list(table.lengths()) == [3, 0]
    assert table[0]["input_ids"].tolist() == [1, 2, 70000] and table[0]["label"] == 1 and table[0]["weight"] == 0.5
    assert table[1]["input_ids"].tolist() == []


@given(st.lists(st.tuples(st.lists(st.integers(0, 9), max_size=30), st.sampled_from([0.5, 1.0, 3.0])), max_size=20))
def test_packing_keeps_every_token_in_order(pieces: list[tuple[list[int], float]]) -> None:
    account = TokenAccount()

    def given_pieces() -> Iterator[dict[str, Any]]:
        for ids, weight in pieces:
            yield {"input_ids": list(ids), "weight": weight}

    blocks = list(packed(given_pieces(), 8, account))
    tokens = [t for ids, _ in pieces for t in ids]
    weights = [w for ids, w in pieces for _ in ids]
    assert [int(t) for b in blocks for t in b["input_ids"]] == tokens[: len(tokens) // 8 * 8]
    for number, block in enumerate(blocks):
        assert np.isclose(block["weight"], np.mean(weights[number * 8 : number * 8 + 8]))
    assert account.tokens_in == len(tokens) == account.tokens_used + account.dropped.total()
