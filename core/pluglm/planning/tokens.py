"""How many steps, examples and tokens a run is."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import TYPE_CHECKING

from pluglm.families import Source
from pluglm.planning.material import Material

if TYPE_CHECKING:
    from pluglm.config.run_config import RunConfig

ASSUMED_BATCH = 8
"""Examples of a micro-batch where the config leaves that to be measured."""


@dataclass(frozen=True, slots=True)
class Extent:
    """`steps` and `tokens` of the training; `unique` tokens there are to train on, and `characters` of their text,
    where that is known; `source` says how the tokens are known."""

    steps: int
    tokens: int
    unique: int | None
    source: str
    notes: tuple[str, ...] = ()

    @property
    def epochs(self) -> float | None:
        """How often the training text is read."""
        return self.tokens / self.unique if self.unique else None


def examples_per_step(config: RunConfig) -> int:
    """Examples of an optimizer step."""
    assert config.train.batch_size != "auto"
    return config.train.batch_size * config.train.gradient_accumulation


def extent_of(material: Material) -> Extent:
    """The extent of a run: exact where its examples are there."""
    if material.examples is None:
        return planned_extent(material.config, len(material.tokenizer))
    from pluglm.batching.steps import planned_steps

    table, config = material.examples.train, material.config
    steps = planned_steps(config, material.examples)
    mean = float(table.lengths().mean())
    tokens = round(steps * examples_per_step(config) * mean)
    return Extent(steps, tokens, round(len(table) * mean), "the examples in the cache")


def planned_extent(config: RunConfig, vocabulary: int) -> Extent:
    """The extent of a run whose examples are not made yet, every one of them taken to be full."""
    train, length = config.train, config.data.sequence_length
    notes = []
    size, why = input_bytes(config)
    unique = None
    if size is not None:
        used = (1 - config.data.validation_fraction) * config.data.train_fraction
        unique = round(size * used / bytes_per_token(vocabulary))
        notes.append(f"the corpus is not prepared: {size / 1e6:,.1f} MB of input are taken as {unique:,} tokens")
    elif why is not None:
        notes.append(why)
    per_step = examples_per_step(config) * length
    source = "steps x examples x data.sequence_length"
    if train.steps is not None:
        steps = train.steps
    elif train.tokens is not None:
        steps, source = math.ceil(train.tokens / per_step), "train.tokens"
    elif unique is not None and train.epochs is not None:
        steps, source = max(1, math.ceil(train.epochs * unique / per_step)), "train.epochs x the size of the input"
    else:
        steps = 1
        notes.append(f"how many steps train.epochs={train.epochs:g} is, is not known yet: one is planned")
    return Extent(steps, steps * per_step, unique, source, tuple(notes))


def input_bytes(config: RunConfig) -> tuple[int | None, str | None]:
    """Bytes of all files that the sources read, and why they are not known where they are not."""
    total = 0
    for label, source in config.source.items():
        if type(source).fetch is not Source.fetch:
            return None, f"source.{label} is fetched when the run begins: its size is not known before"
        paths = list(source.inputs())
        if not paths:
            return None, f"source.{label} reads no files: its size is not known before"
        try:
            size = sum(path.stat().st_size for path in paths)
        except OSError as error:
            return None, f"source.{label}: {error}"
        most = getattr(source, "max_megabytes", None)
        total += size if most is None else min(size, round(most * 1e6))
    return total, None


def bytes_per_token(vocabulary: int) -> float:
    """About how many bytes of text a token stands for: what byte-pair encoding reaches on English prose and code, 3.0
    at 2,048 tokens and 4.1 at 32,000; one where a token is a byte."""
    return 1.0 if vocabulary < 300 else max(1.0, 0.27 * math.log2(vocabulary))
