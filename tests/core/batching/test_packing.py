"""Every token is used once or counted as dropped."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from pluglm.batching.packing import BlockPacker, TokenAccount, cut
from pluglm.batching.table import ExampleTable, TableWriter

LENGTHS = st.lists(st.lists(st.integers(0, 40), max_size=12), max_size=5)


def pieces(lengths: list[int]) -> list[dict[str, Any]]:
    number = 0
    found: list[dict[str, Any]] = []
    for length in lengths:
        found.append({"input_ids": list(range(number, number + length)), "weight": 1.0 + len(found) % 3})
        number += length
    return found


def joined(examples: list[dict[str, Any]]) -> list[int]:
    return [int(token) for example in examples for token in example["input_ids"]]


@given(LENGTHS, st.integers(2, 16), st.booleans())
def test_blocks_hold_all_tokens_in_order(
    tmp_path_factory: pytest.TempPathFactory, parts: list[list[int]], length: int, weighted: bool
) -> None:
    account, writer = TokenAccount(), TableWriter(tmp_path_factory.mktemp("blocks") / "t")
    packer = BlockPacker(writer, length, "<u2", account, None if weighted else 2.0)
    given = pieces([size for part in parts for size in part])
    start = 0
    for part in parts:
        some = given[start : start + len(part)]
        start += len(part)
        packer.add(np.array(joined(some), "<u4"), np.array(part, int), np.array([piece["weight"] for piece in some]))
    packer.close()
    blocks = [table[n] for table in [ExampleTable(writer.folder)] for n in range(len(table))]
    assert all(len(block["input_ids"]) == length for block in blocks)
    total = sum(map(sum, parts))
    assert joined(blocks) == list(range(total // length * length))
    assert total == account.tokens_used + account.dropped.total() and account.examples == len(blocks)
    # The weight of a block is the mean over its tokens.
    weight = [piece["weight"] if weighted else 2.0 for piece in given for _ in piece["input_ids"]]
    for number, block in enumerate(blocks):
        assert block["weight"] == pytest.approx(sum(weight[number * length : (number + 1) * length]) / length)


@given(st.lists(st.integers(0, 40), max_size=30), st.integers(2, 16))
def test_parts_keep_to_their_piece(lengths: list[int], length: int) -> None:
    account = TokenAccount()
    parts = list(cut(iter(pieces(lengths)), length, account))
    assert all(0 < len(part["input_ids"]) <= length for part in parts)
    assert sum(lengths) == account.tokens_used + account.dropped.total()
    assert account.tokens_used == len(joined(parts)) == len(set(joined(parts)))
