"""Train a few steps to measure how long a step, a validation and a checkpoint take."""

from __future__ import annotations

import statistics
import time
from contextlib import contextmanager
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any

from pluglm.planning.storage_estimate import saves

if TYPE_CHECKING:
    from collections.abc import Iterator

    from pluglm.batching.examples import Examples
    from pluglm.config.run_config import RunConfig
    from pluglm.corpus.prepared import Corpus

UNSETTLED = 2
"""Steps at the beginning that are slower than the others."""


@dataclass(frozen=True, slots=True)
class Probe:
    """Seconds of a step, of a validation as it is made during training, and of copying what a checkpoint holds."""

    step: float
    validation: float
    save: float

    def whole(self, config: RunConfig, steps: int) -> float:
        """Seconds of a training."""
        every = config.train.eval_every
        validations = (steps // every + (steps % every > 0)) if every else 1
        return self.step * steps + self.validation * validations + self.save * saves(config, steps)


def probe(config: RunConfig, corpus: Corpus, examples: Examples) -> Probe:
    """Train `plan.probe` steps, validate once and save nothing.

    Raises:
        PluglmError: where the run needs more than this process.
    """
    from pluglm.lifecycle.assemble import assemble
    from pluglm.training.loop import Loop, train
    from pluglm.training.state import whole_state
    from pluglm.training.training_progress import TrainingProgress

    assembly = assemble(config, corpus, examples, lambda line: None)
    config = assembly.config
    wanted = max(UNSETTLED + 1, config.plan.probe)
    ends: list[float] = []
    spent: dict[str, float] = {}

    @contextmanager
    def validating() -> Iterator[None]:
        started = time.monotonic()
        yield
        spent["validation"] = time.monotonic() - started

    def save(step: int) -> None:
        started = time.monotonic()
        whole_state(assembly.step_module, assembly.optimizer, assembly.states)
        spent["save"] = time.monotonic() - started

    settings = config.train.model_copy(update={"eval_every": 0, "save_every": 0})
    scaled = settings.loss_scale if settings.precision == "fp16" else 1.0
    loop = Loop(
        settings=settings,
        steps=wanted,
        module=assembly.module,
        optimizer=assembly.optimizer,
        learning_rate=config.optimizer.lr,
        base_rates=assembly.base_rates,
        schedule=config.schedule,
        parallelism=config.parallelism,
        loader=replace(assembly.loader, workers=0),
        accelerator=assembly.accelerator,
        progress=TrainingProgress(loss_scale=scaled),
        log=_nowhere,
        save=save,
        after_step=[_bound(t.after_step, run) for t, run in assembly.acting_at("after_step")],
        during_validation=[validating],
        shown=lambda loss, rate: ends.append(time.monotonic()),
    )
    train(loop)
    gaps = [later - earlier for earlier, later in zip(ends[UNSETTLED - 1 :], ends[UNSETTLED:], strict=False)]
    # A step that something else on the machine held up is none of the run's: of ten, the middle eight.
    inner = sorted(gaps)[len(gaps) // 10 : len(gaps) - len(gaps) // 10]
    return Probe(statistics.fmean(inner), spent.get("validation", 0.0), spent.get("save", 0.0))


def _nowhere(kind: str, step: int, values: dict[str, Any]) -> None:
    return None


def _bound(act: Any, run: Any) -> Any:
    return lambda step: act(run, step)
