"""How many steps, examples and tokens a run is, before its documents are read."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import TYPE_CHECKING

from pluglm.families import Source

if TYPE_CHECKING:
    from pluglm.config.run_config import RunConfig

ASSUMED_BATCH = 8
"""Examples of a micro-batch where the config leaves that to be measured."""


@dataclass(frozen=True, slots=True)
class Extent:
    """`steps` and `tokens` of the training, `unique` tokens to train on, if that is known, and how each is known."""

    steps: int
    tokens: int
    unique: int | None
    notes: tuple[str, ...] = ()


def examples_per_step(config: RunConfig) -> int:
    """Examples of an optimizer step."""
    size = ASSUMED_BATCH if config.train.batch_size == "auto" else config.train.batch_size
    return size * config.train.gradient_accumulation


def input_bytes(config: RunConfig) -> tuple[int | None, str | None]:
    """Bytes of all files that the sources read, and why they are not known where one is remote."""
    total = 0
    for label, source in config.source.items():
        if type(source).fetch is not Source.fetch:
            return None, f"source.{label} is fetched when the run begins: how much it is, is not known before"
        size, paths = 0, list(source.inputs())
        if not paths:
            return None, f"source.{label} reads no files: how much it gives is not known before"
        for path in paths:
            try:
                size += path.stat().st_size
            except OSError:
                return None, f"source.{label}: {path} cannot be read"
        most = getattr(source, "max_megabytes", None)
        total += size if most is None else min(size, round(most * 1e6))
    return total, None


def bytes_per_token(vocabulary: int) -> float:
    """About how many bytes of text a token stands for: what byte-pair encoding reaches on English prose and code, 3.0
    at 2,048 tokens and 4.1 at 32,000; one where a token is a byte."""
    return 1.0 if vocabulary < 300 else max(1.0, 0.27 * math.log2(vocabulary))


def planned_extent(config: RunConfig, vocabulary: int) -> Extent:
    """The extent of a run whose examples are not made yet, every one of them taken to be full."""
    train, length, notes = config.train, config.data.sequence_length, []
    size, why = input_bytes(config)
    unique = None
    if size is not None:
        held_out = 1 - config.data.validation_fraction
        unique = round(size * held_out * config.data.train_fraction / bytes_per_token(vocabulary))
        notes.append(f"the corpus is not prepared: its {size / 1e6:,.1f} MB are taken as about {unique:,} tokens")
    elif why is not None:
        notes.append(why)
    per_step = examples_per_step(config) * length
    if train.steps is not None:
        steps = train.steps
    elif train.tokens is not None:
        steps = math.ceil(train.tokens / per_step)
    elif unique is not None and train.epochs is not None:
        steps = max(1, math.ceil(train.epochs * unique / per_step))
    else:
        steps = 1
        notes.append("how many steps train.epochs is, is not known before the data is there: one is planned")
    return Extent(steps, steps * per_step, unique, tuple(notes))
