"""The model and what is trained beside it, as one module whose forward pass is the loss."""

from __future__ import annotations

from typing import Any

import torch

from pluglm.batching.loader import COUNTED
from pluglm.families import Batch, LossFunction


class StepModule(torch.nn.Module):
    """Holds the model and the auxiliary modules, so that a parallelism wraps all that has gradients at once.

    `training_loss` is the objective's with all that techniques put around it, `validation_loss` the objective's own.
    """

    def __init__(
        self, model: Any, auxiliary: torch.nn.ModuleDict, training_loss: LossFunction, validation_loss: LossFunction
    ) -> None:
        super().__init__()
        self.model = model
        self.auxiliary = auxiliary
        self._training_loss = training_loss
        self._validation_loss = validation_loss

    def forward(self, batch: Batch) -> tuple[torch.Tensor, torch.Tensor, dict[str, torch.Tensor]]:
        """The sum of the losses in nats, their count, and further means to log. In training, examples are weighted."""
        losses = (self._training_loss if self.training else self._validation_loss)(self.model, batch)
        sums, counts = losses.sums, losses.counts
        for name in ("weight", COUNTED) if self.training else (COUNTED,):
            if name in batch:
                weight = batch[name].to(sums.dtype)
                sums, counts = sums * weight, counts * weight
        return sums.sum(), counts.sum().detach(), {name: value.detach() for name, value in losses.metrics.items()}
