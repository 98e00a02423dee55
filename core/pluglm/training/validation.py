"""Validation while training goes on."""

from __future__ import annotations

from typing import TYPE_CHECKING

import torch

from pluglm.training.distribution import total
from pluglm.training.gradients import Sums

if TYPE_CHECKING:
    from pluglm.training.loop import Loop


@torch.no_grad()
def validate(loop: Loop) -> dict[str, float]:
    """The objective's mean loss over the first validation batches, in nats, as `loss`, and the means it logs."""
    loop.module.eval()
    sums, batches = Sums(), 0
    for batch in loop.loader.validation_batches(loop.settings.eval_batches):
        with loop.accelerator.autocast():
            loss, count, means = loop.module(batch)
        sums.add(loss, count, means)
        batches += 1
    loop.module.train()
    loss_sum, count, *means = total([sums.loss, sums.count, *sums.metrics.values()], loop.accelerator)
    measured = max(batches, 1) * loop.accelerator.num_processes
    return {"loss": loss_sum / max(count, 1e-12)} | dict(
        zip(sums.metrics, (mean / measured for mean in means), strict=True)
    )
