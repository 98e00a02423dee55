"""The loss over a learning rate that grows from step to step, and what rate it speaks for."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass, field

# A smoothed loss so many times the lowest is past the point where anything is learned.
DIVERGED = 4.0
MEMORY = 0.9


def growing_rates(lowest: float, highest: float, steps: int) -> list[float]:
    """`steps` rates from the lowest to the highest, each the same multiple of the one before it."""
    return [lowest * (highest / lowest) ** (step / (steps - 1)) for step in range(steps)]


def smoothed(values: Sequence[float], memory: float = MEMORY) -> list[float]:
    """Exponential means of what came so far: a = memory a + (1 - memory) x, over 1 - memory^t after t values."""
    found, mean = [], 0.0
    for count, value in enumerate(values, start=1):
        mean = memory * mean + (1 - memory) * value
        found.append(mean / (1 - memory**count))
    return found


@dataclass(slots=True)
class RateCurve:
    """Losses in nats, one for each rate so far. `ended`: why there are no more, or None.

    Sources: Smith 2017, https://arxiv.org/abs/1506.01186; the smoothing, the stop and a tenth of the lowest point:
    Howard and Gugger 2020, https://arxiv.org/abs/2002.04688.
    """

    rates: list[float]
    losses: list[float] = field(default_factory=list)
    ended: str | None = None

    def smooth(self) -> list[float]:
        """The losses, smoothed."""
        return smoothed(self.losses)

    def diverged(self) -> bool:
        """Whether the last loss is no number, or the smoothed one far above the lowest."""
        smooth = self.smooth()
        return not math.isfinite(smooth[-1]) or smooth[-1] > DIVERGED * min(smooth)

    def lowest(self) -> float | None:
        """The rate at the lowest smoothed loss; None where that is the first, so that nothing was learned."""
        smooth = self._finite()
        at = smooth.index(min(smooth)) if smooth else 0
        return self.rates[at] if at else None

    def steepest(self) -> float | None:
        """The rate at which the smoothed loss falls fastest by the logarithm of the rate; None where it never falls."""
        smooth = self._finite()
        slopes = {at: smooth[at + 1] - smooth[at - 1] for at in range(1, len(smooth) - 1)}
        if not slopes or min(slopes.values()) >= 0:
            return None
        return self.rates[min(slopes, key=lambda at: slopes[at])]

    def suggested(self) -> float | None:
        """The lower of the steepest point's rate and a tenth of the lowest point's."""
        lowest, steepest = self.lowest(), self.steepest()
        return None if lowest is None or steepest is None else min(steepest, lowest / 10)

    def _finite(self) -> list[float]:
        smooth = self.smooth()
        return smooth[: next((at for at, value in enumerate(smooth) if not math.isfinite(value)), len(smooth))]
