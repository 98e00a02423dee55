"""What makes two runs the same, and what makes their losses comparable."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from typing import Any

from pluglm.catalog import installed_catalog
from pluglm.families import FAMILIES, Model
from pluglm.files.digests import digest
from pluglm.formatting import flatten

OWN_TOKENIZER = "its own tokenizer"
NOT_COMPUTED = ("output", "name", "data.cache_dir", "launch.restarts", "sweep", "plan", "hardware", "tracker")
"""Config keys that do not change what a run computes: where it is kept, its name, who watches it, what was planned."""
LOSS_DEFINED_BY = ("objective", "tokenizer")
"""Families that define the loss: the losses of runs that differ in them are losses of different things."""
LOSS_MEASURED_ON = ("source", "preprocessor", "data")
"""Config keys that change the held-out text."""
SAME_HELD_OUT_TEXT = ("data.workers", "data.shard_megabytes", "data.engine", "data.engine_options")
"""Keys among them that leave the held-out text as it is."""
SAME_HELD_OUT_TOKENS = ("data.train_fraction", "data.mixture")
"""Keys that leave it as it is, and its tokens too where the tokenizer is the same."""


def is_computed(key: str) -> bool:
    """Whether a dotted config key changes what a run computes."""
    return not is_below(key, NOT_COMPUTED)


def computed_keys(config: Mapping[str, Any]) -> dict[str, Any]:
    """What of a run's config changes what the run computes, flat.

    Args:
        config: a resolved config as plain data, as in `config.yaml`.

    Returns:
        Values by dotted key (`optimizer.lr`), and by family what was chosen: the name of its technique, or a list of
        labels where a run takes several.
    """
    flat = {key: value for key, value in flatten(config).items() if value != {}}
    found = {key: value for key, value in flat.items() if is_computed(key)}
    for family, spec in FAMILIES.items():
        chosen = config.get(family)
        if isinstance(chosen, Mapping) and is_computed(family):
            found[family] = list(chosen) if spec.many else chosen.get("name")
    if _brings_tokenizer(config.get("model")):
        found = {key: value for key, value in found.items() if key.partition(".")[0] != "tokenizer"}
        found["tokenizer"] = OWN_TOKENIZER
    return found


def _brings_tokenizer(model: Any) -> bool:
    """Whether a model of this config has a tokenizer of its own, so that the one of the config is not used."""
    name = model.get("name") if isinstance(model, Mapping) else None
    technique = installed_catalog().find("model", str(name))
    if technique is None or not issubclass(technique, Model):
        return False
    return technique.own_tokenizer is not Model.own_tokenizer


def config_digest(resolved: Mapping[str, Any]) -> str:
    """A digest of what a run with this config computes; equal for runs that compute the same."""
    plain = json.loads(json.dumps(resolved, default=str))
    # Order matters in families that take a list, and so the keys stay in theirs.
    return digest([[key, value] for key, value in flatten(plain).items() if is_computed(key)])


def comparable_losses(keys: Sequence[str], same_tokenizer: bool) -> bool:
    """Whether the losses of runs that differ in these config keys measure the same thing on the same text.

    Args:
        keys: dotted config keys, as in `computed_keys`.
        same_tokenizer: the tokenizers of the runs are the same byte for byte.
    """
    harmless = SAME_HELD_OUT_TEXT + (SAME_HELD_OUT_TOKENS if same_tokenizer else ())
    return not any(is_below(key, LOSS_DEFINED_BY + LOSS_MEASURED_ON) and not is_below(key, harmless) for key in keys)


def is_below(key: str, parts: Sequence[str]) -> bool:
    """Whether a dotted key is one of `parts` or lies below one."""
    return any(key == part or key.startswith(part + ".") for part in parts)
