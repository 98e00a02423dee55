"""The training loop."""

from __future__ import annotations

import math
import time
from collections.abc import Callable, Mapping
from contextlib import AbstractContextManager, ExitStack, nullcontext
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

import torch

from pluglm.batching.loader import Loader
from pluglm.config.settings import TrainSettings
from pluglm.errors import Interrupted, PluglmError
from pluglm.families import Objective, Schedule, Step
from pluglm.training.distribution import total
from pluglm.training.signals import StopSignal

if TYPE_CHECKING:
    from accelerate import Accelerator


@dataclass(slots=True)
class TrainingProgress:
    """Where training stands; all of it is part of every checkpoint."""

    step: int = 0
    tokens: int = 0
    seconds: float = 0.0
    stopped: str | None = None
    window: dict[str, float] = field(default_factory=dict)
    window_steps: int = 0
    window_seconds: float = 0.0
    window_tokens: int = 0


@dataclass(slots=True)
class Loop:
    """What the loop needs. `module` returns (sum of losses, count, metrics); `learning_rate` is the config's peak rate
    and `base_rates` those of the optimizer's groups; the callables are the moments some technique uses, and what the
    run does at each."""

    settings: TrainSettings
    steps: int
    module: Any
    model: Any
    objective: Objective
    optimizer: torch.optim.Optimizer
    learning_rate: float
    base_rates: list[float]
    schedule: Schedule
    loader: Loader
    accelerator: Accelerator
    progress: TrainingProgress
    log: Callable[[str, int, dict[str, Any]], None]
    save: Callable[[int], None]
    after_step: list[Callable[[Step], None]] = field(default_factory=list)
    during_validation: list[Callable[[], AbstractContextManager[None]]] = field(default_factory=list)
    should_stop: list[Callable[[Step, Mapping[str, float]], str | None]] = field(default_factory=list)
    shown: Callable[[float, float], None] = lambda loss, rate: None


def train(loop: Loop) -> None:
    """Train to the last step, or until a technique stops it.

    Raises:
        Interrupted: after a signal, with a checkpoint written.
        PluglmError: where the loss is no longer a number.
    """
    progress, settings, order = loop.progress, loop.settings, loop.loader.order()
    parameters = [p for group in loop.optimizer.param_groups for p in group["params"]]
    loop.module.train()
    with StopSignal() as stop:
        started = time.monotonic() - progress.seconds
        while progress.step < loop.steps and progress.stopped is None:
            factor = loop.schedule.factor(progress.step, loop.steps)
            for group, rate in zip(loop.optimizer.param_groups, loop.base_rates, strict=True):
                group["lr"] = rate * factor
            sums = _forward_backward(loop, order)
            asked, loss_sum, count, tokens, *means = total(
                [float(stop.received is not None), *sums.values()], loop.accelerator
            )
            loss = loss_sum / max(count, 1e-12)
            if not math.isfinite(loss):
                raise PluglmError(
                    f"the loss is {loss} at step {progress.step + 1}; the last checkpoint is from before it"
                )
            norm = _normalise_gradients(
                parameters, loop.accelerator.num_processes / max(count, 1e-12), settings.max_grad_norm
            )
            loop.optimizer.step()
            loop.optimizer.zero_grad()
            progress.step += 1
            progress.tokens += int(tokens)
            elapsed = time.monotonic() - started
            _add_to_window(
                progress, {"loss_sum": loss_sum, "count": count, **dict(zip(list(sums)[3:], means, strict=True))}
            )
            step = Step(progress.step, loop.learning_rate * factor, loss)
            for act in loop.after_step:
                act(step)
            last = progress.step == loop.steps
            if progress.step % settings.log_every == 0 or last:
                _log_window(loop, step, float(norm), elapsed)
            loop.shown(loss, progress.tokens / elapsed if elapsed else 0.0)
            if last or (settings.eval_every and progress.step % settings.eval_every == 0):
                _validate_and_ask(loop, step)
            progress.seconds = time.monotonic() - started
            due = settings.save_every and progress.step % settings.save_every == 0
            if due or last or progress.stopped or asked:
                loop.save(progress.step)
            if asked and not last and not progress.stopped:
                raise Interrupted(f"stopped by {stop.received or 'a signal'} after step {progress.step}")


def _forward_backward(loop: Loop, order: Any) -> dict[str, Any]:
    """Gradients of the sum of this step's losses in every parameter; sums over this process's micro-batches."""
    loss_sum, count, tokens = 0.0, 0.0, 0
    metrics: dict[str, float] = {}
    accumulation = loop.settings.gradient_accumulation
    for part, batch in enumerate(loop.loader.micro_batches(order, loop.progress.step)):
        # Gradients travel between processes once per step, with the last micro-batch.
        waiting = part < accumulation - 1 and hasattr(loop.module, "no_sync")
        with loop.module.no_sync() if waiting else nullcontext():
            with loop.accelerator.autocast():
                loss, terms, means = loop.module(batch)
            loss.backward()
        loss_sum += float(loss.detach())
        count += float(terms)
        tokens += batch["input_ids"].numel()
        for name, value in means.items():
            metrics[name] = metrics.get(name, 0.0) + float(value) / accumulation / loop.accelerator.num_processes
    return {"loss": loss_sum, "count": count, "tokens": tokens, **metrics}


def _normalise_gradients(parameters: list[torch.nn.Parameter], scale: float, limit: float | None) -> torch.Tensor:
    """Turn gradients of the sum into those of the mean, clip them, and return their norm before clipping."""
    gradients = [p.grad for p in parameters if p.grad is not None]
    norm = torch.nn.utils.get_total_norm(gradients) * scale
    clipped = scale if limit is None else scale * torch.clamp(limit / (norm + 1e-6), max=1.0)
    torch._foreach_mul_(gradients, clipped)
    return norm


def _add_to_window(progress: TrainingProgress, values: Mapping[str, float]) -> None:
    progress.window_steps += 1
    for name, value in values.items():
        progress.window[name] = progress.window.get(name, 0.0) + value


def _log_window(loop: Loop, step: Step, norm: float, elapsed: float) -> None:
    progress, window = loop.progress, dict(loop.progress.window)
    loss = window.pop("loss_sum") / max(window.pop("count"), 1e-12)
    spent = elapsed - progress.window_seconds
    speed = (progress.tokens - progress.window_tokens) / spent if spent > 0 else 0.0
    means = {name: value / progress.window_steps for name, value in window.items()}
    values = {"loss": loss, "learning_rate": step.learning_rate, "grad_norm": norm, "tokens": progress.tokens, **means}
    loop.log("train", step.number, values | {"seconds": round(elapsed, 3), "tokens_per_second": round(speed, 1)})
    progress.window, progress.window_steps = {}, 0
    progress.window_seconds, progress.window_tokens = elapsed, progress.tokens


def _validate_and_ask(loop: Loop, step: Step) -> None:
    with ExitStack() as around:
        for enter in loop.during_validation:
            around.enter_context(enter())
        scores = {"loss": validation_loss(loop)}
        loop.log("validation", step.number, scores)
        for ask in loop.should_stop:
            reason = ask(step, scores)
            if reason is not None and loop.progress.stopped is None:
                loop.progress.stopped = reason


@torch.no_grad()
def validation_loss(loop: Loop) -> float:
    """The objective's mean loss over the first validation batches, in nats."""
    loop.model.eval()
    loss_sum, count = 0.0, 0.0
    for batch in loop.loader.validation_batches(loop.settings.eval_batches):
        with loop.accelerator.autocast():
            losses = loop.objective.loss(loop.model, batch)
        loss_sum += float(losses.sums.sum())
        count += float(losses.counts.sum())
    loop.model.train()
    loss_sum, count = total([loss_sum, count], loop.accelerator)
    return loss_sum / max(count, 1e-12)
