"""Optimizers, torch's own."""

from __future__ import annotations

from pluglm import Optimizer, hookimpl
from pluglm_optimizers.adam import Adam
from pluglm_optimizers.adamw import AdamW
from pluglm_optimizers.sgd import Sgd


@hookimpl
def register_optimizers() -> list[type[Optimizer]]:
    return [AdamW, Adam, Sgd]
