"""Lion as a torch optimizer. Apart from its technique, so that this one can be listed without torch."""

from __future__ import annotations

from typing import Any

import torch


def lion_update(
    weights: list[torch.Tensor],
    gradients: list[torch.Tensor],
    momenta: list[torch.Tensor],
    lr: float,
    weight_decay: float,
    beta1: float,
    beta2: float,
) -> None:
    """One step on `weights` and `momenta`, in place; the tensors at one position have one shape."""
    directions = torch._foreach_lerp(momenta, gradients, 1 - beta1)
    torch._foreach_sign_(directions)
    torch._foreach_mul_(weights, 1 - lr * weight_decay)
    torch._foreach_add_(weights, directions, alpha=-lr)
    torch._foreach_lerp_(momenta, gradients, 1 - beta2)


class LionSteps(torch.optim.Optimizer):
    """Groups have `lr`, `weight_decay`, `beta1` and `beta2`; the state of a parameter is its `momentum`."""

    @torch.no_grad()
    def step(self, closure: Any = None) -> Any:
        """Move every parameter that has a gradient, and return what `closure` returned."""
        loss = None
        if closure is not None:
            with torch.enable_grad():
                loss = closure()
        for group in self.param_groups:
            weights = [parameter for parameter in group["params"] if parameter.grad is not None]
            for parameter in weights:
                if "momentum" not in self.state[parameter]:
                    self.state[parameter]["momentum"] = torch.zeros_like(parameter)
            if weights:
                gradients = [parameter.grad for parameter in weights]
                momenta = [self.state[parameter]["momentum"] for parameter in weights]
                rates = (group[name] for name in ("lr", "weight_decay", "beta1", "beta2"))
                lion_update(weights, gradients, momenta, *rates)
        return loss
