"""Stochastic gradient descent."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Annotated, Any, ClassVar

from pydantic import Field, model_validator

from pluglm import Optimizer

if TYPE_CHECKING:
    import torch


class Sgd(Optimizer):
    """Stochastic gradient descent, with momentum if wanted.

    g = g + weight_decay w, b = momentum b + (1 - dampening) g, w = w - lr b; with Nesterov's momentum
    w = w - lr (g + momentum b). The first b is g itself.

    Source: Sutskever et al. 2013, https://proceedings.mlr.press/v28/sutskever13.html
    """

    works_with_cut: ClassVar = frozenset({"tensors", "layers"})

    lr: Annotated[float, Field(gt=0, description="Peak learning rate; the schedule scales it")] = 0.1
    momentum: Annotated[float, Field(ge=0, lt=1, description="Share of the last step that goes on")] = 0.0
    dampening: Annotated[float, Field(ge=0, le=1, description="Share of the gradient kept out of the momentum")] = 0.0
    nesterov: Annotated[bool, Field(description="Look ahead by the momentum")] = False

    @model_validator(mode="after")
    def _nesterov_needs_momentum(self) -> Sgd:
        if self.nesterov and (self.momentum == 0 or self.dampening != 0):
            raise ValueError("nesterov needs a momentum above 0 and no dampening")
        return self

    def build(self, groups: Sequence[dict[str, Any]]) -> torch.optim.Optimizer:
        """torch's SGD."""
        import torch

        return torch.optim.SGD(
            list(groups),
            lr=self.lr,
            momentum=self.momentum,
            dampening=self.dampening,
            weight_decay=self.weight_decay,
            nesterov=self.nesterov,
        )
