"""A learning rate along a cosine."""

from __future__ import annotations

import math
from typing import Annotated

from pydantic import Field

from pluglm import Schedule


class Cosine(Schedule):
    """From the peak down to `min_ratio` of it along half a cosine.

    Source: Loshchilov and Hutter 2017, https://arxiv.org/abs/1608.03983, equation 5, without restarts
    """

    min_ratio: Annotated[float, Field(ge=0, le=1, description="Share of the peak at the end")] = 0.1

    def after_warmup(self, progress: float) -> float:
        """min_ratio + (1 - min_ratio) (1 + cos(pi progress)) / 2."""
        return self.min_ratio + (1.0 - self.min_ratio) * (1.0 + math.cos(math.pi * progress)) / 2.0
