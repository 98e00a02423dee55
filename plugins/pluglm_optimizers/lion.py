"""Lion."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Annotated, Any, ClassVar

from pydantic import Field

from pluglm import Optimizer

if TYPE_CHECKING:
    import torch


class Lion(Optimizer):
    """Every weight moves by the learning rate, up or down: the sign of a mean of momentum and gradient. It keeps one
    number per weight where Adam keeps two, and wants a learning rate three to ten times smaller than Adam's and a
    weight decay that much larger.

    w = (1 - lr weight_decay) w - lr sign(beta1 m + (1 - beta1) g), m = beta2 m + (1 - beta2) g.

    Source: Chen et al. 2023, algorithm 2, https://arxiv.org/abs/2302.06675
    """

    works_with_cut: ClassVar = frozenset({"tensors", "layers"})

    lr: Annotated[float, Field(gt=0, description="Peak learning rate; the schedule scales it")] = 5e-4
    weight_decay: Annotated[
        float, Field(ge=0, description="Decay of weight matrices; norms, biases and embeddings have none")
    ] = 0.4
    beta1: Annotated[float, Field(ge=0, lt=1, description="Share of the momentum in the direction of a step")] = 0.9
    beta2: Annotated[float, Field(ge=0, lt=1, description="Memory of the momentum")] = 0.99

    def build(self, groups: Sequence[dict[str, Any]]) -> torch.optim.Optimizer:
        """All tensors of a group at once."""
        from pluglm_optimizers.lion_steps import LionSteps

        defaults = {"lr": self.lr, "weight_decay": self.weight_decay, "beta1": self.beta1, "beta2": self.beta2}
        return LionSteps(list(groups), defaults)
