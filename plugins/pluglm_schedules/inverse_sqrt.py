"""A learning rate that falls with the root of the steps."""

from __future__ import annotations

import math
from typing import Annotated

from pydantic import Field

from pluglm import Schedule

TIMESCALE_WITHOUT_WARMUP = 10_000
"""Steps after which the rate has fallen to 0.7 of its peak where there is no warm-up, as in `transformers`."""


class InverseSqrt(Schedule):
    """From the peak down as sqrt(timescale / (timescale + s)), s steps after the warm-up. It does not depend on how
    long the run is, so that a run can go on for as long as one likes.

    Source: Vaswani et al. 2017, https://arxiv.org/abs/1706.03762, section 5.3, where the timescale is the warm-up
    """

    timescale: Annotated[
        int | None,
        Field(ge=1, description="Steps until the rate is 0.7 of its peak; null for as many as the warm-up has"),
    ] = None

    def factor(self, step: int, steps: int) -> float:
        """The share of the peak in `step` of `steps`."""
        warmup = self.warmup_steps(steps)
        if step < warmup:
            return step / warmup
        timescale = self.timescale or warmup or TIMESCALE_WITHOUT_WARMUP
        return math.sqrt(timescale / (timescale + step - warmup))
