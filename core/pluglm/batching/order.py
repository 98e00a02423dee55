"""Which examples a step trains on: a pure function of the seed and the step, so that resuming needs no cursor."""

from __future__ import annotations

from typing import Any

import numpy as np

POOL = 50  # batches among which examples of like length are gathered


class ExampleOrder:
    """The order of examples over all epochs.

    Each epoch is a permutation drawn from (seed, epoch). Where lengths differ, examples of like length stand in the
    same step, gathered within pools of 50 steps, so that little is spent on padding.
    """

    def __init__(self, lengths: Any, per_step: int, seed: int) -> None:
        self._lengths = np.asarray(lengths)
        self._per_step = per_step
        self._seed = seed
        self._epochs: dict[int, Any] = {}

    def step(self, number: int) -> list[tuple[int, int]]:
        """The (epoch, example) pairs of a step, counted from 0."""
        size = len(self._lengths)
        positions = range(number * self._per_step, (number + 1) * self._per_step)
        return [(position // size, int(self._epoch(position // size)[position % size])) for position in positions]

    def _epoch(self, epoch: int) -> Any:
        if epoch not in self._epochs:
            # A step spans two epochs at most, unless it is larger than the data.
            self._epochs = {known: order for known, order in self._epochs.items() if known == epoch - 1}
            self._epochs[epoch] = self._draw(epoch)
        return self._epochs[epoch]

    def _draw(self, epoch: int) -> Any:
        generator = np.random.default_rng((self._seed, 0, epoch))
        order = generator.permutation(len(self._lengths))
        if self._lengths.min() == self._lengths.max():
            return order
        pools = []
        for start in range(0, len(order), POOL * self._per_step):
            pool = order[start : start + POOL * self._per_step]
            pool = pool[np.argsort(self._lengths[pool], kind="stable")]
            whole = len(pool) // self._per_step * self._per_step
            steps = pool[:whole].reshape(-1, self._per_step)
            pools += [generator.permutation(steps, axis=0).reshape(-1), pool[whole:]]
        return np.concatenate(pools)
