"""AdamW."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Annotated, Any, ClassVar

from pydantic import Field

from pluglm import Optimizer
from pluglm_optimizers.fusing import can_fuse

if TYPE_CHECKING:
    import torch


class AdamW(Optimizer):
    """Adam whose weight decay shrinks the weights themselves and stays out of the moments.

    m = beta1 m + (1 - beta1) g, v = beta2 v + (1 - beta2) g²,
    w = (1 - lr weight_decay) w - lr (m / (1 - beta1^t)) / (sqrt(v / (1 - beta2^t)) + eps).

    Source: Loshchilov and Hutter 2019, https://arxiv.org/abs/1711.05101
    """

    name = "adamw"
    works_with_cut: ClassVar = frozenset({"tensors", "layers"})

    lr: Annotated[float, Field(gt=0, description="Peak learning rate; the schedule scales it")] = 2e-3
    weight_decay: Annotated[
        float, Field(ge=0, description="Decay of weight matrices; norms, biases and embeddings have none")
    ] = 0.1
    beta1: Annotated[float, Field(ge=0, lt=1, description="Memory of the mean of gradients")] = 0.9
    beta2: Annotated[float, Field(ge=0, lt=1, description="Memory of the mean of squared gradients")] = 0.95
    eps: Annotated[float, Field(gt=0, description="Added to the denominator")] = 1e-8
    amsgrad: Annotated[bool, Field(description="Divide by the largest mean of squares so far")] = False

    def build(self, groups: Sequence[dict[str, Any]]) -> torch.optim.Optimizer:
        """torch's AdamW, fused where it can be."""
        import torch

        return torch.optim.AdamW(
            list(groups),
            lr=self.lr,
            betas=(self.beta1, self.beta2),
            eps=self.eps,
            weight_decay=self.weight_decay,
            amsgrad=self.amsgrad,
            fused=can_fuse(groups),
        )
