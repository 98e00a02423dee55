"""Collated batches for the model, on its device."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any

import numpy as np

from pluglm.batching.order import ExampleOrder
from pluglm.batching.table import ExampleTable
from pluglm.families import Batch, Example, Objective

if TYPE_CHECKING:
    import torch
    from transformers import PreTrainedTokenizerFast

COUNTED = "counted"
"""The key in a batch that says which examples count, where a process was given others only to have something to do."""
PARTS = (8, 4, 2)
"""Into how many parts blocks are cut, in thirds of a warm-up of the sequence length."""


@dataclass(frozen=True, slots=True)
class Loader:
    """Makes batches of examples. This process takes the `share`-th of `shares` of each micro-batch, so that a batch is
    the same examples however many processes share it. `warmups`: steps in which the number of examples grows, and in
    which their length does."""

    objective: Objective
    tokenizer: PreTrainedTokenizerFast
    train: ExampleTable
    validation: ExampleTable
    seed: int
    batch_size: int
    accumulation: int
    device: torch.device
    share: int = 0
    shares: int = 1
    warmups: tuple[int, int] = (0, 0)
    workers: int = 0

    def order(self) -> ExampleOrder:
        """The order in which training examples come."""
        return ExampleOrder(self.train.lengths(), self.batch_size * self.accumulation, self.seed, self.warmups[0])

    def steps(self, order: ExampleOrder, first: int, end: int) -> Iterator[list[Batch]]:
        """This process's share of the micro-batches of each training step from `first`, counted from 0, to `end`. With
        `workers`, other processes make them ahead; they are the same."""
        if not self.workers:
            for step in range(first, end):
                yield [self._moved(batch) for batch in self.micro_batches(order, step)]
            return
        import torch

        made: Any = torch.utils.data.DataLoader(
            _Steps(self, order),  # type: ignore[arg-type]
            batch_size=None,
            sampler=range(first, end),
            num_workers=self.workers,
            # Its own, so that what the global one gives does not depend on whether there are workers.
            generator=torch.Generator(),
        )
        for batches in made:
            yield [self._moved(batch) for batch in batches]

    def micro_batches(self, order: ExampleOrder, step: int) -> list[Batch]:
        """This process's share of the micro-batches of a training step, counted from 0, on the CPU."""
        picked, parts = order.step(step), self.block_parts(step)
        starts = range(0, len(picked), self.batch_size)
        return [self._collate(self.train, picked[start : start + self.batch_size], 1, parts) for start in starts]

    def block_parts(self, step: int) -> int:
        """Into how many parts blocks are cut in a step: the tokens of a step stay the same."""
        warmup = self.warmups[1]
        return PARTS[step * len(PARTS) // warmup] if step < warmup else 1

    def training_batches(self, count: int) -> Iterator[Batch]:
        """The first `count` whole micro-batches of training, for calibration; the same in every process."""
        whole, order, step, left = replace(self, share=0, shares=1), self.order(), 0, count
        while left > 0:
            for batch in whole.micro_batches(order, step)[:left]:
                yield self._moved(batch)
                left -= 1
            step += 1

    def validation_batches(self, limit: int | None = None) -> Iterator[Batch]:
        """This process's share of the validation batches, the same at every call; of `limit` steps' worth at most."""
        size = len(self.validation)
        most = None if limit is None else limit * self.accumulation
        for start in list(range(0, size, self.batch_size))[:most]:
            picked = [(0, index) for index in range(start, min(start + self.batch_size, size))]
            yield self._moved(self._collate(self.validation, picked, 2, 1))

    def _collate(self, table: ExampleTable, picked: Sequence[tuple[int, int]], stream: int, parts: int) -> Batch:
        import torch

        own = picked[self.share :: self.shares]
        # A process that has no example of a small batch computes one that does not count, so that none waits for it.
        counted = len(own) > 0
        examples, generators = [], []
        for epoch, index in own or picked[:1]:
            for part, example in enumerate(_cut(table[index], parts)):
                place = (epoch, index) if parts == 1 else (epoch, index, parts, part)
                generators.append(np.random.default_rng((self.seed, stream, *place)))
                examples.append(with_partners(example, table, generators[-1], type(self.objective).partners))
        batch = self.objective.collate(examples, self.tokenizer, generators)
        for name in examples[0]:
            if name == "weight" or name.startswith("field_"):
                batch[name] = torch.tensor([example[name] for example in examples])
        if not counted:
            batch[COUNTED] = torch.zeros(len(examples))
        return batch

    def _moved(self, batch: Batch) -> Batch:
        return {k: v.to(self.device) if hasattr(v, "to") else v for k, v in batch.items()}


@dataclass(frozen=True, slots=True)
class _Steps:
    """Steps by number, for processes that make them ahead."""

    loader: Loader
    order: ExampleOrder

    def __getitem__(self, step: int) -> list[Batch]:
        return self.loader.micro_batches(self.order, step)


def _cut(example: dict[str, Any], parts: int) -> list[dict[str, Any]]:
    """The example in so many parts of its `input_ids`, of one length but for the last."""
    if parts == 1:
        return [example]
    ids = example["input_ids"]
    length = -(-len(ids) // parts)
    return [{**example, "input_ids": ids[start : start + length]} for start in range(0, len(ids), length)]


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
