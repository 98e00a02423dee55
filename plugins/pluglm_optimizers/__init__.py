"""Optimizers: torch's own where it has them."""

from __future__ import annotations

from pluglm import Optimizer, hookimpl
from pluglm_optimizers.adafactor import Adafactor
from pluglm_optimizers.adam import Adam
from pluglm_optimizers.adamw import AdamW
from pluglm_optimizers.lion import Lion
from pluglm_optimizers.muon import Muon
from pluglm_optimizers.sgd import Sgd


@hookimpl
def register_optimizers() -> list[type[Optimizer]]:
    return [AdamW, Adam, Sgd, Adafactor, Lion, Muon]
