"""A learning rate on a straight line."""

from __future__ import annotations

from typing import Annotated

from pydantic import Field

from pluglm import Schedule


class Linear(Schedule):
    """From the peak straight down to `end_ratio` of it.

    Source: Devlin et al. 2019, https://arxiv.org/abs/1810.04805, appendix A.2
    """

    end_ratio: Annotated[float, Field(ge=0, le=1, description="Share of the peak at the end")] = 0.0

    def after_warmup(self, progress: float) -> float:
        """1 - progress (1 - end_ratio)."""
        return 1.0 - progress * (1.0 - self.end_ratio)
