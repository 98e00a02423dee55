"""A learning rate that warms up, stays, and decays."""

from __future__ import annotations

import math
from collections.abc import Iterator
from typing import TYPE_CHECKING, Annotated, Literal

from pydantic import Field

from pluglm import Problem, Schedule

if TYPE_CHECKING:
    from pluglm import RunConfig

Shape = Literal["1-sqrt", "linear", "cosine"]


def decayed(progress: float, shape: Shape) -> float:
    """From 1 at `progress` 0 to 0 at 1."""
    if shape == "linear":
        return 1.0 - progress
    if shape == "cosine":
        return (1.0 + math.cos(math.pi * progress)) / 2.0
    return 1.0 - math.sqrt(progress)


class Wsd(Schedule):
    """The peak from the warm-up until shortly before the end, then down to `min_ratio` of it: warm-up, stable, decay.
    A run can be continued from its stable part, and be ended by a decay at any time.

    Sources: Hu et al. 2024, MiniCPM, https://arxiv.org/abs/2404.06395; Hägele et al. 2024,
    https://arxiv.org/abs/2405.18392 (shape 1-sqrt)
    """

    decay: Annotated[float, Field(gt=0, description="Steps of decay at the end; below 1, a share of all steps")] = 0.2
    shape: Annotated[Shape, Field(description="How it decays, by the share p of the decay that is done")] = "1-sqrt"
    min_ratio: Annotated[float, Field(ge=0, le=1, description="Share of the peak at the end")] = 0.0

    def decay_steps(self, steps: int) -> int:
        """How many of `steps` are decay."""
        return round(self.decay * steps) if self.decay < 1 else round(self.decay)

    def problems(self, run: RunConfig) -> Iterator[Problem]:
        """Warm-up and decay must fit into the run."""
        steps = run.train.steps
        if steps is not None and self.warmup_steps(steps) + self.decay_steps(steps) > steps:
            reason = f"with {self.warmup_steps(steps)} steps of warm-up is more than the {steps} of the run"
            yield Problem("schedule.decay", reason, self.decay, "shorten the decay or schedule.warmup")

    def factor(self, step: int, steps: int) -> float:
        """The share of the peak in `step` of `steps`."""
        warmup, decay = self.warmup_steps(steps), self.decay_steps(steps)
        if step < warmup:
            return step / warmup
        if step < steps - decay:
            return 1.0
        progress = (step - (steps - decay)) / max(1, decay)
        return self.min_ratio + (1.0 - self.min_ratio) * decayed(progress, self.shape)
