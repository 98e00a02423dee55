"""Schedules: the learning rate over the steps of a run."""

from __future__ import annotations

from typing import Annotated, ClassVar

from pydantic import Field

from pluglm.technique import Technique


class Schedule(Technique):
    """The learning rate as a share of the optimizer's, a pure function of the step.

    The base warms up linearly from 0, the factor of the very first step, to 1, that of the first step behind the
    warm-up, and then hands over to `after_warmup`. Override this, or `factor` where progress alone does not say it all.
    """

    family: ClassVar[str] = "schedule"

    warmup: Annotated[float, Field(ge=0, description="Steps of linear warm-up; below 1, a share of all steps")] = 0.05

    def after_warmup(self, progress: float) -> float:
        """The factor at `progress`, which goes from 0 (end of the warm-up) to 1 (end of the run)."""
        raise NotImplementedError

    def warmup_steps(self, steps: int) -> int:
        """How many of `steps` are warm-up."""
        return round(self.warmup * steps) if self.warmup < 1 else round(self.warmup)

    def factor(self, step: int, steps: int) -> float:
        """The share of the peak learning rate used in `step` (counted from 0) of `steps`."""
        warmup = self.warmup_steps(steps)
        if step < warmup:
            return step / warmup
        return self.after_warmup(min(1.0, (step - warmup) / max(1, steps - warmup)))
