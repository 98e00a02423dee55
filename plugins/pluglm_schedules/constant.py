"""A constant learning rate."""

from __future__ import annotations

from pluglm import Schedule


class Constant(Schedule):
    """The peak learning rate from the warm-up to the end."""

    def after_warmup(self, progress: float) -> float:
        """1 everywhere."""
        return 1.0
