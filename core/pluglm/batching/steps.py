"""How many optimizer steps a run has, and how many examples each takes."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING

from pluglm.batching.order import growing_sizes

if TYPE_CHECKING:
    from pluglm.batching.examples import Examples
    from pluglm.config.run_config import RunConfig


def batch_size(config: RunConfig) -> int:
    """Examples per micro-batch, once that is settled."""
    assert config.train.batch_size != "auto"
    return config.train.batch_size


def planned_steps(config: RunConfig, examples: Examples) -> int:
    """How many optimizer steps the settings ask for, over these examples."""
    train = config.train
    if train.steps is not None:
        return train.steps
    if train.epochs is not None:
        wanted = train.epochs * len(examples.train)
    else:
        assert train.tokens is not None
        wanted = train.tokens / float(examples.train.lengths().mean())
    per_step = batch_size(config) * train.gradient_accumulation
    steps = max(1, math.ceil(wanted / per_step))
    # While steps grow they take fewer examples, and a warm-up that is a share grows with the steps.
    while (taken := _taken(config, steps, per_step)) < wanted:
        steps += math.ceil((wanted - taken) / per_step)
    return steps


def _taken(config: RunConfig, steps: int, per_step: int) -> int:
    grown = growing_sizes(per_step, warmups(config, steps)[0])
    return sum(grown) + max(0, steps - len(grown)) * per_step


def warmups(config: RunConfig, steps: int) -> tuple[int, int]:
    """In how many of the first steps the number of examples grows, and their length."""
    train = config.train
    given = (train.batch_size_warmup, train.sequence_length_warmup)
    first, second = (min(steps, round(value * steps if value < 1 else value)) for value in given)
    return first, second
