"""What a rehearsal tells of the parts of a step."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Pass:
    """A forward and backward pass of one micro-batch: its `operations`; bytes that stay from the forward to the
    backward pass (`activations`), the most that tensors as wide as the vocabulary take at once (`logits`), and the most
    of all tensors at once beside the weights (`working`). `blocks`: the bytes of each tensor that stays."""

    operations: int
    activations: int
    logits: int
    working: int
    blocks: tuple[int, ...]


@dataclass(frozen=True, slots=True)
class Update:
    """An optimizer's step: its `operations`, bytes that it remembers (`state`), and the most that it needs for a moment
    beside (`working`)."""

    operations: int
    state: int
    working: int
