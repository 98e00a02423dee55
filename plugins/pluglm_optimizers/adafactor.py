"""Adafactor."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Annotated, Any, ClassVar

from pydantic import Field

from pluglm import Optimizer

if TYPE_CHECKING:
    import torch


class Adafactor(Optimizer):
    """Adam's scaling from two vectors for each matrix: the mean squares of its gradient by row and by column. It keeps
    next to nothing beside the weights, and its steps are relative to the size of what they change.

    beta = 1 - t^beta2_decay, R = beta R + (1 - beta) mean over columns of g², C likewise over rows, V = R C / mean(R)
    (vectors keep V itself), u = g / sqrt(V), u = u / max(1, RMS(u) / clip_threshold),
    w = (1 - lr weight_decay) w - max(eps2, RMS(w)) min(lr, 1 / sqrt(t)) u.

    Source: Shazeer and Stern 2018, https://arxiv.org/abs/1804.04235; as in torch, `lr` is the largest relative step.
    """

    works_with_cut: ClassVar = frozenset({"layers"})

    lr: Annotated[float, Field(gt=0, description="Peak step, relative to a weight's size; the schedule scales it")] = (
        3e-2
    )
    beta2_decay: Annotated[
        float, Field(ge=-1, lt=0, description="Exponent by which memory grows with the steps")
    ] = -0.8
    clip_threshold: Annotated[float, Field(ge=1, description="Largest root mean square of a scaled gradient")] = 1.0
    eps2: Annotated[float, Field(ge=0, description="Least size that a tensor is taken to have")] = 1e-3

    def build(self, groups: Sequence[dict[str, Any]]) -> torch.optim.Optimizer:
        """torch's Adafactor, one tensor after another: together they would need a copy of all weights."""
        import torch

        return torch.optim.Adafactor(
            list(groups),
            lr=self.lr,
            beta2_decay=self.beta2_decay,
            eps=(None, self.eps2),
            d=self.clip_threshold,
            weight_decay=self.weight_decay,
            foreach=False,
        )
