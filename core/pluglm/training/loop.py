"""The training loop."""

from __future__ import annotations

import math
import time
from collections.abc import Callable, Mapping, Sequence
from contextlib import AbstractContextManager, ExitStack
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

import torch

from pluglm.batching.loader import Loader
from pluglm.config.settings import TrainSettings
from pluglm.errors import Diverged, Interrupted
from pluglm.families import Batch, Parallelism, Schedule, Step
from pluglm.training.distribution import total
from pluglm.training.gradients import Sums, accumulate_gradients, normalise_gradients
from pluglm.training.precision import LossScale
from pluglm.training.signals import StopSignal
from pluglm.training.step_metrics import add_to_window, log_window, measured_noise, update_ratio
from pluglm.training.training_progress import TrainingProgress
from pluglm.training.validation import validate

if TYPE_CHECKING:
    from accelerate import Accelerator


@dataclass(slots=True)
class Loop:
    """What the loop needs. `module` returns (sum of losses, count, metrics); `learning_rate` is the config's peak rate
    and `base_rates` those of the optimizer's groups; the callables are the moments some technique uses, and what the
    run does at each."""

    settings: TrainSettings
    steps: int
    module: Any
    optimizer: torch.optim.Optimizer
    learning_rate: float
    base_rates: list[float]
    schedule: Schedule
    parallelism: Parallelism
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
        Diverged: where the loss or its gradient is no longer a number, or exploded.
    """
    progress, settings, order = loop.progress, loop.settings, loop.loader.order()
    parameters = [p for group in loop.optimizer.param_groups for p in group["params"]]
    loop.module.train()
    if progress.stopped is not None:
        return
    with StopSignal() as stop:
        started = time.monotonic() - progress.seconds
        for batches in loop.loader.steps(order, progress.step, loop.steps):
            factor = loop.schedule.factor(progress.step, loop.steps)
            for group, rate in zip(loop.optimizer.param_groups, loop.base_rates, strict=True):
                group["lr"] = rate * factor
            last = progress.step + 1 == loop.steps
            logging = last or (progress.step + 1) % settings.log_every == 0
            sums = _accumulate(loop, batches, parameters, logging)
            asked, loss_sum, count, tokens, *means = total(
                [float(stop.received is not None), sums.loss, sums.count, sums.tokens, *sums.metrics.values()],
                loop.accelerator,
            )
            loss = loss_sum / max(count, 1e-12)
            _check_loss(loop, loss)
            shares = loop.parallelism.share(loop.accelerator.process_index)[1]
            together = loop.accelerator.num_processes / shares
            before = [p.detach().clone() for p in parameters] if logging else []
            norm = _step(loop, parameters, shares * together / max(count, 1e-12))
            progress.step += 1
            progress.tokens += round(tokens / together)
            elapsed = time.monotonic() - started
            values = dict(zip(sums.metrics, (mean / loop.accelerator.num_processes for mean in means), strict=True))
            add_to_window(progress, {"loss_sum": loss_sum, "count": count, **values})
            step = Step(progress.step, loop.learning_rate * factor, loss)
            for act in loop.after_step:
                act(step)
            if logging:
                examples = order.begin(progress.step) - order.begin(progress.step - 1)
                noise = measured_noise(loop, sums, norm, count / together, examples)
                log_window(loop, step, norm, elapsed, update_ratio(loop, parameters, before) | noise)
            loop.shown(loss, progress.tokens / elapsed if elapsed else 0.0)
            if last or (settings.eval_every and progress.step % settings.eval_every == 0):
                _validate_and_ask(loop, step)
            progress.seconds = time.monotonic() - started
            due = settings.save_every and progress.step % settings.save_every == 0
            if due or last or progress.stopped or asked:
                loop.save(progress.step)
            if progress.stopped:
                return
            if asked and not last:
                raise Interrupted(f"stopped by {stop.received or 'a signal'} after step {progress.step}")


def _accumulate(loop: Loop, batches: Sequence[Batch], parameters: list[Any], logging: bool) -> Sums:
    def norm() -> float:
        return float(loop.parallelism.gradient_norm([p.grad for p in parameters if p.grad is not None]))

    # Only where a process has all gradients before they are averaged can the first micro-batch be told from the rest.
    measure = norm if logging and loop.accelerator.num_processes == 1 else None
    return accumulate_gradients(loop.module, batches, len(batches), loop.accelerator, loop.progress.loss_scale, measure)


def _check_loss(loop: Loop, loss: float) -> None:
    progress, most = loop.progress, loop.settings.max_loss_ratio
    if not math.isfinite(loss):
        raise Diverged(f"the loss is {loss} at step {progress.step + 1}", progress.step)
    if progress.first_loss is None:
        progress.first_loss = loss
    # Of a model that is already good the first loss may be next to nothing, and three times that is no harm.
    if most is not None and loss > most * max(progress.first_loss, 1.0):
        reason = f"the loss is {loss:.4g} at step {progress.step + 1}, {loss / progress.first_loss:.3g} times the first"
        raise Diverged(f"{reason} (train.max_loss_ratio={most:g})", progress.step)


def _step(loop: Loop, parameters: list[torch.nn.Parameter], scale: float) -> float:
    """Let the optimizer move the weights by the mean gradient, and return its norm before clipping."""
    progress = loop.progress
    gradients = [p.grad for p in parameters if p.grad is not None]
    norm = normalise_gradients(gradients, scale / progress.loss_scale, loop.settings.max_grad_norm, loop.parallelism)
    scaled = loop.settings.precision == "fp16"
    if math.isfinite(norm):
        loop.optimizer.step()
    elif not scaled:
        raise Diverged(f"the norm of the gradient is {norm} at step {progress.step + 1}", progress.step)
    if scaled:
        _rescale(loop, math.isfinite(norm))
    loop.optimizer.zero_grad()
    return norm


def _rescale(loop: Loop, finite: bool) -> None:
    progress = loop.progress
    scale = LossScale(progress.loss_scale, progress.scale_held)
    if finite:
        scale.held()
    elif scale.overflowed():
        progress.skipped += 1
        loop.log("skipped", progress.step + 1, {"loss_scale": scale.value})
    else:
        raise Diverged(f"gradients overflow fp16 at step {progress.step + 1} even without a loss scale", progress.step)
    progress.loss_scale, progress.scale_held = scale.value, scale.good


def _validate_and_ask(loop: Loop, step: Step) -> None:
    with ExitStack() as around:
        for enter in loop.during_validation:
            around.enter_context(enter())
        scores = validate(loop)
        loop.progress.validation = scores["loss"]
        loop.log("validation", step.number, scores)
        for ask in loop.should_stop:
            reason = ask(step, scores)
            if reason is not None and loop.progress.stopped is None:
                loop.progress.stopped = reason
