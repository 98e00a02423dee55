"""What a run writes."""

from __future__ import annotations

from typing import TYPE_CHECKING

from pluglm.planning.material import Material

if TYPE_CHECKING:
    from pluglm.config.run_config import RunConfig

PER_TENSOR = 100
"""Bytes of a tensor's name, shape and place in a file."""
PER_CHECKPOINT = 20_000
"""Bytes of the generators' states and of what says where training stands."""
PER_TOKEN = 60
"""Bytes of a token and its merge in tokenizer.json."""
RECORDS = 165_000
"""Bytes of config, manifest, ledger, metrics and report of a short run."""
PER_LINE = 260
"""Bytes of a line of metrics, here and in the report's charts."""


def saves(config: RunConfig, steps: int) -> int:
    """How many checkpoints are written."""
    every = config.train.save_every
    return (steps // every + (steps % every > 0)) if every else 1


def storage_of(
    config: RunConfig, steps: int, weights: int, state: int, tensors: int, vocabulary: int
) -> dict[str, int]:
    """Bytes in the run folder at its end, of `weights` and optimizer `state` in so many `tensors`: `model`,
    `checkpoints` (the newest; one more where an older one is the best) and `records`."""
    kept = min(config.train.keep_checkpoints, saves(config, steps))
    checkpoint = weights + state + PER_CHECKPOINT + 3 * tensors * PER_TENSOR
    lines = steps // config.train.log_every + (steps // config.train.eval_every if config.train.eval_every else 1)
    return {
        "model": weights + tensors * PER_TENSOR + vocabulary * PER_TOKEN,
        "checkpoints": kept * checkpoint,
        "records": RECORDS + lines * PER_LINE,
    }


def cached(material: Material, tokens: int | None) -> dict[str, int]:
    """Bytes in the cache, which runs share: the `corpus` and its `tokens`, as they are where they were made, else as
    many as `tokens` are (two bytes each, four of large vocabularies)."""
    found = {}
    for name, part in (("corpus", material.corpus), ("tokens", material.examples)):
        if part is not None:
            found[name] = sum(path.stat().st_size for path in part.folder.rglob("*") if path.is_file())
    if "tokens" not in found and tokens:
        found["tokens"] = tokens * (2 if len(material.tokenizer) <= 1 << 16 else 4)
    return found
