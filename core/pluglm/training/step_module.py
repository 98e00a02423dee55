"""The model and what is trained beside it, as one module whose forward pass is the loss."""

from __future__ import annotations

from typing import Any

import torch

from pluglm.families import Batch, LossFunction


class StepModule(torch.nn.Module):
    """Holds the model and the auxiliary modules, so that a parallelism wraps all that has gradients at once."""

    def __init__(self, model: Any, auxiliary: torch.nn.ModuleDict, loss: LossFunction) -> None:
        super().__init__()
        self.model = model
        self.auxiliary = auxiliary
        self._loss = loss

    def forward(self, batch: Batch) -> tuple[torch.Tensor, torch.Tensor, dict[str, torch.Tensor]]:
        """The weighted sum of the losses in nats, the weighted count, and further means to log."""
        losses = self._loss(self.model, batch)
        sums, counts = losses.sums, losses.counts
        if "weight" in batch:
            weight = batch["weight"].to(sums.dtype)
            sums, counts = sums * weight, counts * weight
        return sums.sum(), counts.sum().detach(), {name: value.detach() for name, value in losses.metrics.items()}
