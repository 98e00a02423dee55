"""Which examples a step trains on: a pure function of the seed and the step, so that resuming needs no cursor."""

from __future__ import annotations

from typing import Any

import numpy as np
import xxhash

LARGE = 1 << 24
"""From so many examples on an order is computed place by place, and not held in memory."""
POOL = 50  # batches among which examples of like length are gathered


class ExampleOrder:
    """The order of examples over all epochs.

    Each epoch is a permutation drawn from (seed, epoch). Where lengths differ, examples of like length stand in the
    same step, gathered within pools of 50 steps, so that little is spent on padding. The first `warmup` steps grow from
    1/8 of the examples to all of them.
    """

    def __init__(self, lengths: Any, per_step: int, seed: int, warmup: int = 0) -> None:
        self._lengths = np.asarray(lengths)
        self._per_step = per_step
        self._seed = seed
        self._begins = np.concatenate([[0], np.cumsum(growing_sizes(per_step, warmup))]).tolist()
        self._epochs: dict[int, Any] = {}

    def begin(self, number: int) -> int:
        """How many examples the steps before a step, counted from 0, have taken."""
        grown = len(self._begins) - 1
        return int(self._begins[min(number, grown)]) + max(0, number - grown) * self._per_step

    def step(self, number: int) -> list[tuple[int, int]]:
        """The (epoch, example) pairs of a step, counted from 0."""
        size = len(self._lengths)
        positions = range(self.begin(number), self.begin(number + 1))
        if size >= LARGE and self._all_alike():
            return [(at // size, permuted(at % size, size, f"{self._seed}/{at // size}")) for at in positions]
        return [(position // size, int(self._epoch(position // size)[position % size])) for position in positions]

    def _all_alike(self) -> bool:
        # One number that stands for all of them takes no step in memory.
        return self._lengths.strides == (0,)

    def _epoch(self, epoch: int) -> Any:
        if epoch not in self._epochs:
            # A step spans two epochs at most, unless it is larger than the data.
            self._epochs = {known: order for known, order in self._epochs.items() if known == epoch - 1}
            self._epochs[epoch] = self._draw(epoch)
        return self._epochs[epoch]

    def _draw(self, epoch: int) -> Any:
        generator = np.random.default_rng((self._seed, 0, epoch))
        order = generator.permutation(len(self._lengths))
        if self._all_alike() or self._lengths.min() == self._lengths.max():
            return order
        pools = []
        for start in range(0, len(order), POOL * self._per_step):
            pool = order[start : start + POOL * self._per_step]
            pool = pool[np.argsort(self._lengths[pool], kind="stable")]
            whole = len(pool) // self._per_step * self._per_step
            steps = pool[:whole].reshape(-1, self._per_step)
            pools += [generator.permutation(steps, axis=0).reshape(-1), pool[whole:]]
        return np.concatenate(pools)


def growing_sizes(per_step: int, warmup: int) -> list[int]:
    """(warmup,) examples of each of the first steps, from 1/8 of `per_step` on, in a straight line (Brown et al. 2020,
    https://arxiv.org/abs/2005.14165, appendix B)."""
    first = max(1, per_step // 8)
    return [first + (per_step - first) * step // warmup for step in range(warmup)]


def permuted(place: int, size: int, key: str) -> int:
    """What stands at `place` in the permutation of `size` numbers that `key` names, without the others.

    A Feistel network of four rounds over the least even number of bits that holds them, repeated until the result is
    one of them (Black and Rogaway 2002, "Ciphers with Arbitrary Finite Domains", section 4).
    """
    half = max(1, ((size - 1).bit_length() + 1) // 2)
    mask = (1 << half) - 1
    while True:
        left, right = place >> half, place & mask
        for turn in range(4):
            mixed = xxhash.xxh3_64_intdigest(f"{key}/{turn}/{right}".encode()) & mask
            left, right = right, left ^ mixed
        place = left << half | right
        if place < size:
            return place
