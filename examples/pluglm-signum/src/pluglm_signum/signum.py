"""Signum."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Annotated, Any, ClassVar

from pydantic import Field

from pluglm import Optimizer

if TYPE_CHECKING:
    import torch


def signum_update(
    weights: torch.Tensor,
    gradient: torch.Tensor,
    momentum: torch.Tensor,
    lr: float,
    weight_decay: float,
    beta: float,
) -> None:
    """One step on `weights` and `momentum`, in place; all three tensors have the same shape."""
    momentum.lerp_(gradient, 1 - beta)
    weights.mul_(1 - lr * weight_decay).add_(momentum.sign(), alpha=-lr)


class Signum(Optimizer):
    """Every weight moves by the learning rate, up or down: the sign of the momentum. With `beta` 0 it is signSGD, of
    which a worker needs to tell the others one bit per weight.

    m = beta m + (1 - beta) g, w = w - lr (sign(m) + weight_decay w).

    Source: Bernstein et al. 2018, algorithm 2, https://arxiv.org/abs/1802.04434
    """

    # It treats every number alone, so that a parallelism may cut tensors and layers over processes.
    works_with_cut: ClassVar = frozenset({"tensors", "layers"})

    lr: Annotated[float, Field(gt=0, description="Peak learning rate; the schedule scales it")] = 2e-4
    weight_decay: Annotated[
        float, Field(ge=0, description="Decay of weight matrices; norms, biases and embeddings have none")
    ] = 0.5
    beta: Annotated[float, Field(ge=0, lt=1, description="Memory of the momentum; 0 for the sign of the gradient")] = (
        0.9
    )

    def build(self, groups: Sequence[dict[str, Any]]) -> torch.optim.Optimizer:
        """The optimizer. Its class is made here, so that torch is imported only where there is something to train."""
        import torch

        class SignumOptimizer(torch.optim.Optimizer):
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
                        rates = (group["lr"], group["weight_decay"], group["beta"])
                        signum_update(weights, weights.grad, state["momentum"], *rates)
                return loss

        defaults = {"lr": self.lr, "weight_decay": self.weight_decay, "beta": self.beta}
        return SignumOptimizer(list(groups), defaults)
