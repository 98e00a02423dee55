"""Collated batches for the model, on its device."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np

from pluglm.batching.order import ExampleOrder
from pluglm.batching.table import ExampleTable
from pluglm.families import Batch, Example, Objective

if TYPE_CHECKING:
    import torch
    from transformers import PreTrainedTokenizerFast


@dataclass(frozen=True, slots=True)
class Loader:
    """Makes batches of examples. `rank` of `world` processes take every world-th example of each micro-batch, so that
    a batch is the same examples however many processes share it."""

    objective: Objective
    tokenizer: PreTrainedTokenizerFast
    train: ExampleTable
    validation: ExampleTable
    seed: int
    batch_size: int
    accumulation: int
    device: torch.device
    rank: int = 0
    world: int = 1

    def order(self) -> ExampleOrder:
        """The order in which training examples come."""
        return ExampleOrder(self.train.lengths(), self.batch_size * self.accumulation, self.seed)

    def micro_batches(self, order: ExampleOrder, step: int) -> Iterator[Batch]:
        """This process's share of the micro-batches of a training step, counted from 0."""
        picked = order.step(step)
        for start in range(0, len(picked), self.batch_size):
            yield self._collate(self.train, picked[start : start + self.batch_size][self.rank :: self.world], stream=1)

    def training_batches(self, count: int) -> Iterator[Batch]:
        """The first `count` whole micro-batches of training, for calibration; the same in every process."""
        order = self.order()
        for step in range(-(-count // self.accumulation)):
            picked = order.step(step)
            for part in range(min(self.accumulation, count - step * self.accumulation)):
                yield self._collate(self.train, picked[part * self.batch_size : (part + 1) * self.batch_size], stream=1)

    def validation_batches(self, limit: int | None = None) -> Iterator[Batch]:
        """This process's share of the validation batches, the same at every call; of `limit` steps' worth at most."""
        size = len(self.validation)
        most = None if limit is None else limit * self.accumulation
        starts = list(range(0, size, self.batch_size))[:most]
        for start in starts[self.rank :: self.world]:
            picked = [(0, index) for index in range(start, min(start + self.batch_size, size))]
            yield self._collate(self.validation, picked, stream=2)

    def _collate(self, table: ExampleTable, picked: Sequence[tuple[int, int]], stream: int) -> Batch:
        import torch

        generators = [np.random.default_rng((self.seed, stream, epoch, index)) for epoch, index in picked]
        examples = [
            with_partners(table[index], table, generator, type(self.objective).partners)
            for (_, index), generator in zip(picked, generators, strict=True)
        ]
        batch = self.objective.collate(examples, self.tokenizer, generators)
        for name in examples[0]:
            if name == "weight" or name.startswith("field_"):
                batch[name] = torch.tensor([example[name] for example in examples])
        return {key: _move(value, self.device) for key, value in batch.items()}


class Partners(Sequence[Example]):
    """Examples of a table by their numbers, read when they are looked at."""

    def __init__(self, table: Sequence[Example] | ExampleTable, numbers: Any) -> None:
        self._table = table
        self._numbers = numbers

    def __len__(self) -> int:
        return len(self._numbers)

    def __getitem__(self, place: Any) -> Any:
        return self._table[int(self._numbers[place])]


def with_partners(
    example: dict[str, Any], table: Sequence[Example] | ExampleTable, generator: np.random.Generator, count: int
) -> dict[str, Any]:
    """The example with `count` others of `table` as its "partners", each drawn by `generator` from all of them; as it
    is where count is 0."""
    if count:
        example["partners"] = Partners(table, generator.integers(len(table), size=count))
    return example


def _move(value: Any, device: torch.device) -> Any:
    return value.to(device) if hasattr(value, "to") else value
