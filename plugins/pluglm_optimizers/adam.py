"""Adam."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Annotated, Any, ClassVar

from pydantic import Field

from pluglm import Optimizer
from pluglm_optimizers.fusing import can_fuse

if TYPE_CHECKING:
    import torch


class Adam(Optimizer):
    """Steps by the mean of gradients over the root of the mean of their squares. Weight decay is an L2 penalty: it is
    added to the gradient.

    g = g + weight_decay w, m = beta1 m + (1 - beta1) g, v = beta2 v + (1 - beta2) g²,
    w = w - lr (m / (1 - beta1^t)) / (sqrt(v / (1 - beta2^t)) + eps).

    Source: Kingma and Ba 2015, https://arxiv.org/abs/1412.6980
    """

    works_with_cut: ClassVar = frozenset({"tensors", "layers"})

    beta1: Annotated[float, Field(ge=0, lt=1, description="Memory of the mean of gradients")] = 0.9
    beta2: Annotated[float, Field(ge=0, lt=1, description="Memory of the mean of squared gradients")] = 0.999
    eps: Annotated[float, Field(gt=0, description="Added to the denominator")] = 1e-8
    amsgrad: Annotated[bool, Field(description="Divide by the largest mean of squares so far")] = False

    def build(self, groups: Sequence[dict[str, Any]]) -> torch.optim.Optimizer:
        """torch's Adam, fused where it can be."""
        import torch

        return torch.optim.Adam(
            list(groups),
            lr=self.lr,
            betas=(self.beta1, self.beta2),
            eps=self.eps,
            weight_decay=self.weight_decay,
            amsgrad=self.amsgrad,
            fused=can_fuse(groups),
        )
