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
from pluglm.training.gradients import Sums, accumulate_gradients, noise_scale, normalise_gradients
from pluglm.training.precision import LossScale
from pluglm.training.signals import StopSignal
from pluglm.training.whole import by_mesh

if TYPE_CHECKING:
    from accelerate import Accelerator


@dataclass(slots=True)
class TrainingProgress:
    """Where training stands; all of it is part of every checkpoint.

    `first_loss`: that of the first step, in nats. `validation`: the last validation loss, None where there was none.
    `loss_scale`, `scale_held`: of fp16. `skipped`: steps whose gradients overflowed, so that no weight moved.
    """

    step: int = 0
    tokens: int = 0
    seconds: float = 0.0
    stopped: str | None = None
    first_loss: float | None = None
    validation: float | None = None
    loss_scale: float = 1.0
    scale_held: int = 0
    skipped: int = 0
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
            _add_to_window(progress, {"loss_sum": loss_sum, "count": count, **values})
            step = Step(progress.step, loop.learning_rate * factor, loss)
            for act in loop.after_step:
                act(step)
            if logging:
                examples = order.begin(progress.step) - order.begin(progress.step - 1)
                extra = _moved(loop, parameters, before) | _noise(loop, sums, norm, count / together, examples)
                _log_window(loop, step, norm, elapsed, extra)
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
    if most is not None and progress.first_loss > 0 and loss > most * progress.first_loss:
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


def _moved(loop: Loop, parameters: list[torch.nn.Parameter], before: list[torch.Tensor]) -> dict[str, float]:
    """How far the step moved the weights, as a share of their norm: about 1e-3 where the learning rate suits."""
    now = [parameter.detach() for parameter in parameters]
    for earlier, later in zip(by_mesh(before), by_mesh(now), strict=True):
        torch._foreach_sub_(earlier, later)
    moved, size = (float(loop.parallelism.gradient_norm(tensors)) for tensors in (before, now))
    return {"update_ratio": moved / max(size, 1e-12)}


def _noise(loop: Loop, sums: Sums, norm: float, count: float, examples: int) -> dict[str, float]:
    if sums.first_norm is None or not math.isfinite(norm):
        return {}
    size = loop.settings.batch_size
    assert isinstance(size, int)
    mean_of_first = sums.first_norm / loop.progress.loss_scale / (count * size / examples)
    found = noise_scale(mean_of_first, size, norm, examples) if examples > size else None
    return {} if found is None else {"noise_scale": found}


def _add_to_window(progress: TrainingProgress, values: Mapping[str, float]) -> None:
    progress.window_steps += 1
    for name, value in values.items():
        progress.window[name] = progress.window.get(name, 0.0) + value


def _log_window(loop: Loop, step: Step, norm: float, elapsed: float, extra: Mapping[str, float]) -> None:
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


@torch.no_grad()
def validate(loop: Loop) -> dict[str, float]:
    """The objective's mean loss over the first validation batches, in nats, as `loss`, and the means it logs."""
    loop.module.eval()
    sums = Sums(torch.zeros((), dtype=torch.float64), torch.zeros((), dtype=torch.float64))
    batches = 0
    for batch in loop.loader.validation_batches(loop.settings.eval_batches):
        with loop.accelerator.autocast():
            loss, count, means = loop.module(batch)
        sums.loss, sums.count, batches = sums.loss + loss.double(), sums.count + count.double(), batches + 1
        for name, value in means.items():
            sums.metrics[name] = sums.metrics.get(name, 0.0) + value.double()
    loop.module.train()
    loss_sum, count, *means = total([sums.loss, sums.count, *sums.metrics.values()], loop.accelerator)
    measured = max(batches, 1) * loop.accelerator.num_processes
    return {"loss": loss_sum / max(count, 1e-12)} | dict(
        zip(sums.metrics, (mean / measured for mean in means), strict=True)
    )
