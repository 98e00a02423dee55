"""Energy and carbon dioxide of a run, out of its time and the power of what it ran on."""

from __future__ import annotations

import math
import os
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

WATTS = ("PLUGLM_CARBON_WATTS", 45.0)
"""Power under load, of everything that the run keeps busy. The default is a laptop's processor."""
INTENSITY = ("PLUGLM_CARBON_INTENSITY", 436.0)
"""Grams of CO2 for a kWh. The default was the world's mean in 2022 (Ember, Global Electricity Review 2023)."""
OVERHEAD = ("PLUGLM_CARBON_PUE", 1.0)
"""Power of the building for each watt of its computers; 1.58 was data centres' mean in 2023 (Uptime Institute)."""


@dataclass(frozen=True)
class Grid:
    """What a second of the run costs. `assumed`: the names of those figures that nobody gave."""

    watts: float
    intensity: float
    overhead: float
    assumed: tuple[str, ...] = ()

    def watt_hours(self, seconds: float) -> float:
        """Energy, with the building's share."""
        return self.watts * self.overhead * seconds / 3600

    def grams(self, seconds: float) -> float:
        """CO2."""
        return self.watt_hours(seconds) / 1000 * self.intensity


def grid(environment: Mapping[str, str] = os.environ) -> Grid:
    """What the environment says, and else the defaults.

    Raises:
        ValueError: naming the variable that is no number above 0.
    """
    values, assumed = [], []
    for name, default in (WATTS, INTENSITY, OVERHEAD):
        text = environment.get(name, "")
        if not text:
            assumed.append(name)
        try:
            values.append(float(text or default))
        except ValueError:
            raise ValueError(f"{name}={text!r} is no number") from None
        if not 0 < values[-1] < math.inf:
            raise ValueError(f"{name}={text!r} is no number above 0")
    return Grid(*values, assumed=tuple(assumed))


def seconds_at(train: Sequence[Mapping[str, Any]], steps: Sequence[int]) -> list[float]:
    """Seconds of training at each of `steps`, between the lines of metrics that lie around it."""
    known = [(0.0, 0.0)] + [(float(line["step"]), float(line["seconds"])) for line in train if "seconds" in line]
    found = []
    for step in steps:
        before = max((pair for pair in known if pair[0] <= step), default=known[0])
        after = min((pair for pair in known if pair[0] >= step), default=before)
        share = (step - before[0]) / (after[0] - before[0]) if after[0] > before[0] else 0.0
        found.append(before[1] + share * (after[1] - before[1]))
    return found
