"""The gradients of one step: of the sum of its losses, and then of their mean."""

from __future__ import annotations

import math
from collections.abc import Callable, Iterable, Mapping, Sequence
from contextlib import nullcontext
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

import torch

from pluglm.families import Batch, Parallelism
from pluglm.tensors import by_mesh

if TYPE_CHECKING:
    from accelerate import Accelerator


@dataclass(slots=True)
class Sums:
    """What this process computed of one step: the sum of losses in nats, how many terms it has, tokens that were read,
    and means of what else is logged. `first_norm`: the norm after the first micro-batch, where it was asked for."""

    loss: Any = 0.0
    count: Any = 0.0
    tokens: int = 0
    metrics: dict[str, Any] = field(default_factory=dict)
    first_norm: float | None = None

    def add(self, loss: torch.Tensor, count: torch.Tensor, means: Mapping[str, torch.Tensor], parts: int = 1) -> None:
        """Add what one of `parts` micro-batches gave, whose means are averaged."""
        self.loss += loss.detach().double()
        self.count += count.double()
        for name, value in means.items():
            self.metrics[name] = self.metrics.get(name, 0.0) + value.double() / parts


def accumulate_gradients(
    module: Any,
    batches: Iterable[Batch],
    parts: int,
    accelerator: Accelerator,
    loss_scale: float = 1.0,
    norm_of_first: Callable[[], float] | None = None,
) -> Sums:
    """Add up the gradients of the sum of losses of `parts` micro-batches, times `loss_scale`."""
    sums = Sums()
    for part, batch in enumerate(batches):
        last = part == parts - 1
        # Gradients travel between processes once per step, with the last micro-batch.
        waiting = not last and hasattr(module, "no_sync")
        with module.no_sync() if waiting else nullcontext():
            with accelerator.autocast():
                loss, terms, means = module(batch)
            (loss if loss_scale == 1.0 else loss * loss_scale).backward()
        sums.add(loss, terms, means, parts)
        sums.tokens += batch["input_ids"].numel()
        if part == 0 and not last and norm_of_first is not None:
            sums.first_norm = norm_of_first()
    return sums


def normalise_gradients(
    gradients: Sequence[torch.Tensor], scale: float, limit: float | None, parallelism: Parallelism
) -> float:
    """Turn gradients of the sum into those of the mean, clip them, and return their norm before clipping."""
    norm = float(parallelism.gradient_norm(gradients)) * scale
    if not math.isfinite(norm):
        return norm
    clipped = scale if limit is None else scale * min(1.0, limit / (norm + 1e-6))
    for part in by_mesh(gradients):
        torch._foreach_mul_(part, clipped)
    return norm


def noise_scale(first: float, first_size: float, whole: float, whole_size: float) -> float | None:
    """The simple noise scale tr(S) / |G|^2, in examples: about the batch size beyond which larger ones help little.

    Made of the norms of the mean gradient over `first_size` examples and over all `whole_size` of a step (McCandlish et
    al. 2018, https://arxiv.org/abs/1812.06162, appendix A.1). One step gives a rough value; None where it gives none.
    """
    squared = (whole_size * whole**2 - first_size * first**2) / (whole_size - first_size)
    variance = (first**2 - whole**2) / (1 / first_size - 1 / whole_size)
    return variance / squared if squared > 0 and variance > 0 else None
