"""What is logged of training beside the loss."""

from __future__ import annotations

import math
from collections.abc import Mapping
from typing import TYPE_CHECKING

import torch

from pluglm.families import Step
from pluglm.tensors import by_mesh
from pluglm.training.gradients import Sums, noise_scale
from pluglm.training.training_progress import TrainingProgress

if TYPE_CHECKING:
    from pluglm.training.loop import Loop


def update_ratio(loop: Loop, parameters: list[torch.nn.Parameter], before: list[torch.Tensor]) -> dict[str, float]:
    """How far the step moved the weights, as a share of their norm: about 1e-3 where the learning rate suits."""
    now = [parameter.detach() for parameter in parameters]
    for earlier, later in zip(by_mesh(before), by_mesh(now), strict=True):
        torch._foreach_sub_(earlier, later)
    moved, size = (float(loop.parallelism.gradient_norm(tensors)) for tensors in (before, now))
    return {"update_ratio": moved / max(size, 1e-12)}


def measured_noise(loop: Loop, sums: Sums, norm: float, count: float, examples: int) -> dict[str, float]:
    """The noise scale, where the norm of the first micro-batch's gradient was measured, of a step with `examples`
    examples and `count` terms, whose mean gradient has `norm`."""
    if sums.first_norm is None or not math.isfinite(norm):
        return {}
    size = loop.settings.batch_size
    assert isinstance(size, int)
    mean_of_first = sums.first_norm / loop.progress.loss_scale / (count * size / examples)
    found = noise_scale(mean_of_first, size, norm, examples) if examples > size else None
    return {} if found is None else {"noise_scale": found}


def add_to_window(progress: TrainingProgress, values: Mapping[str, float]) -> None:
    """Add a step to those that the next line of metrics is about."""
    progress.window_steps += 1
    for name, value in values.items():
        progress.window[name] = progress.window.get(name, 0.0) + value


def log_window(loop: Loop, step: Step, norm: float, elapsed: float, extra: Mapping[str, float]) -> None:
    """Log the steps since the last line, and `extra`, which is about this step alone."""
    progress, window = loop.progress, dict(loop.progress.window)
    loss = window.pop("loss_sum") / max(window.pop("count"), 1e-12)
    spent = elapsed - progress.window_seconds
    speed = (progress.tokens - progress.window_tokens) / spent if spent > 0 else 0.0
    means = {name: value / progress.window_steps for name, value in window.items()}
    values = {"loss": loss, "learning_rate": step.learning_rate, "grad_norm": norm, "tokens": progress.tokens, **means}
    values |= extra
    loop.log("train", step.number, values | {"seconds": round(elapsed, 3), "tokens_per_second": round(speed, 1)})
    progress.window, progress.window_steps = {}, 0
    progress.window_seconds, progress.window_tokens = elapsed, progress.tokens
