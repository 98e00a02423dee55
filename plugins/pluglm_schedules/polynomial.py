"""A learning rate along a power."""

from __future__ import annotations

from typing import Annotated

from pydantic import Field

from pluglm import Schedule


class Polynomial(Schedule):
    """From the peak down to `end_ratio` of it along a power of what is left of the run. A power of 1 is a straight
    line; a higher one falls fast at first.

    Source: Chen et al. 2018, DeepLab, https://arxiv.org/abs/1606.00915, section 4.1 ("poly")
    """

    power: Annotated[float, Field(gt=0, description="Exponent")] = 2.0
    end_ratio: Annotated[float, Field(ge=0, le=1, description="Share of the peak at the end")] = 0.0

    def after_warmup(self, progress: float) -> float:
        """end_ratio + (1 - end_ratio) (1 - progress)^power."""
        left: float = (1.0 - progress) ** self.power
        return self.end_ratio + (1.0 - self.end_ratio) * left
