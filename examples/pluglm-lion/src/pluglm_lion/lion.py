"""Lion."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Annotated, Any

from pydantic import Field

from pluglm import Optimizer

if TYPE_CHECKING:
    import torch


def lion_update(
    weights: torch.Tensor,
    gradient: torch.Tensor,
    momentum: torch.Tensor,
    lr: float,
    weight_decay: float,
    beta1: float,
    beta2: float,
) -> None:
    """One step on `weights` and `momentum`, in place; all three tensors have the same shape."""
    direction = momentum.lerp(gradient, 1 - beta1).sign_()
    weights.mul_(1 - lr * weight_decay).add_(direction, alpha=-lr)
    momentum.lerp_(gradient, 1 - beta2)


class Lion(Optimizer):
    """Every weight moves by the learning rate, up or down: the sign of a mean of momentum and gradient. It keeps one
    number per weight where Adam keeps two, and wants a learning rate three to ten times smaller than Adam's and a
    weight decay that much larger.

    c = beta1 m + (1 - beta1) g, w = w - lr (sign(c) + weight_decay w), m = beta2 m + (1 - beta2) g.

    Source: Chen et al. 2023, algorithm 2, https://arxiv.org/abs/2302.06675
    """

    lr: Annotated[float, Field(gt=0, description="Peak learning rate; the schedule scales it")] = 2e-4
    weight_decay: Annotated[
        float, Field(ge=0, description="Decay of weight matrices; norms, biases and embeddings have none")
    ] = 0.5
    beta1: Annotated[float, Field(ge=0, lt=1, description="Share of the momentum in the direction of a step")] = 0.9
    beta2: Annotated[float, Field(ge=0, lt=1, description="Memory of the momentum")] = 0.99

    def build(self, groups: Sequence[dict[str, Any]]) -> torch.optim.Optimizer:
        """The optimizer. Its class is made here, so that torch is imported only where there is something to train."""
        import torch

        class LionOptimizer(torch.optim.Optimizer):
            @torch.no_grad()
            def step(self, closure: Any = None) -> Any:
                loss = None
                if closure is not None:
                    with torch.enable_grad():
                        loss = closure()
                for group in self.param_groups:
                    for weights in group["params"]:
                        if weights.grad is None:
                            continue
                        state = self.state[weights]
                        if "momentum" not in state:
                            state["momentum"] = torch.zeros_like(weights)
                        rates = (group["lr"], group["weight_decay"], group["beta1"], group["beta2"])
                        lion_update(weights, weights.grad, state["momentum"], *rates)
                return loss

        defaults = {"lr": self.lr, "weight_decay": self.weight_decay, "beta1": self.beta1, "beta2": self.beta2}
        return LionOptimizer(list(groups), defaults)
