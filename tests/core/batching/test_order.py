from __future__ import annotations

import numpy as np
import pytest

from pluglm.batching.order import ExampleOrder, permuted


@pytest.mark.parametrize("lengths", [[7] * 23, list(range(1, 24))])
def test_every_epoch_takes_every_example_once(lengths: list[int]) -> None:
    order = ExampleOrder(lengths, 4, seed=3)
    pairs = [pair for step in range(23) for pair in order.step(step)]
    for epoch in range(4):
        assert sorted(index for at, index in pairs if at == epoch) == list(range(23))


def test_a_step_is_the_same_asked_first_or_later() -> None:
    lengths = np.arange(1, 500)
    forward = ExampleOrder(lengths, 8, seed=0)
    steps = [forward.step(n) for n in range(150)]
    assert [ExampleOrder(lengths, 8, seed=0).step(n) for n in (149, 0, 62)] == [steps[149], steps[0], steps[62]]
    assert ExampleOrder(lengths, 8, seed=1).step(0) != steps[0]


def test_a_step_may_be_larger_than_the_data() -> None:
    assert len(ExampleOrder([5, 5, 5], 10, seed=0).step(2)) == 10


def test_examples_of_like_length_stand_together() -> None:
    lengths = np.random.default_rng(0).integers(5, 200, 4000)
    order = ExampleOrder(lengths, 16, seed=0)
    padded = sum(16 * max(lengths[i] for _, i in order.step(n)) for n in range(250))
    assert padded / lengths.sum() < 1.1


@pytest.mark.parametrize("size", [1, 2, 3, 17, 64, 1000])
def test_a_permutation_without_memory_is_one(size: int) -> None:
    orders = [[permuted(place, size, key) for place in range(size)] for key in ("0/0", "0/1")]
    assert all(sorted(order) == list(range(size)) for order in orders)
    assert size < 17 or orders[0] != orders[1]
    # As far from the order of the places as chance has it: the mean distance is a third of the size.
    distance = np.abs(np.array(orders[0]) - np.arange(size)).mean()
    assert size < 1000 or 0.3 < distance / size < 0.37


def test_many_blocks_are_ordered_place_by_place(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("pluglm.batching.order.LARGE", 100)
    order = ExampleOrder(np.broadcast_to(np.int64(8), (100,)), 5, seed=0)
    pairs = [pair for step in range(40) for pair in order.step(step)]
    for epoch in range(2):
        assert sorted(place for at, place in pairs if at == epoch) == list(range(100))
