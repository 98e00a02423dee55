"""Every token is used once or counted as dropped."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from pluglm.batching.packing import TokenAccount, cut, packed

LENGTHS = st.lists(st.integers(0, 40), max_size=30)


def pieces(lengths: list[int]) -> list[dict[str, Any]]:
    number, found = 0, []
    for length in lengths:
        found.append({"input_ids": list(range(number, number + length)), "weight": 1.0 + len(found) % 3})
        number += length
    return found


def joined(examples: list[dict[str, Any]]) -> list[int]:
    return [int(token) for example in examples for token in example["input_ids"]]


@given(LENGTHS, st.integers(2, 16))
def test_blocks_hold_all_tokens_in_order(lengths: list[int], length: int) -> None:
    account = TokenAccount()
    blocks = list(packed(iter(pieces(lengths)), length, account))
    assert all(len(block["input_ids"]) == length for block in blocks)
    assert joined(blocks) == list(range(sum(lengths) // length * length))
    assert account.tokens_in == sum(lengths) == account.tokens_used + account.dropped.total()
    # The weight of a block is the mean over its tokens.
    weight = [piece["weight"] for piece in pieces(lengths) for _ in piece["input_ids"]]
    for number, block in enumerate(blocks):
        assert block["weight"] == pytest.approx(sum(weight[number * length : (number + 1) * length]) / length)


@given(LENGTHS, st.integers(2, 16))
def test_parts_keep_to_their_piece(lengths: list[int], length: int) -> None:
    account = TokenAccount()
    parts = list(cut(iter(pieces(lengths)), length, account))
    assert all(0 < len(part["input_ids"]) <= length for part in parts)
    assert account.tokens_in == sum(lengths) == account.tokens_used + account.dropped.total()
    assert account.tokens_used == len(joined(parts)) == len(set(joined(parts)))


def test_what_is_read_is_what_is_needed() -> None:
    """Blocks are given as soon as they are full, so that a corpus need not fit in memory."""
    seen = []

    def stream() -> Iterator[dict[str, Any]]:
        for number, piece in enumerate(pieces([10] * 100)):
            seen.append(number)
            yield piece

    next(packed(stream(), 16, TokenAccount()))
    assert seen == [0, 1]
