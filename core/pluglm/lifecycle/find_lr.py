"""Finding a learning rate: a run's own loop over a rate that grows until the loss does."""

from __future__ import annotations

import tempfile
from dataclasses import replace
from pathlib import Path
from typing import Any

from pluglm.config.run_config import RunConfig
from pluglm.errors import ConfigError, Diverged, Problem
from pluglm.families import Schedule
from pluglm.files.replacing import write_json
from pluglm.lifecycle.find_lr_curve import RateCurve, growing_rates
from pluglm.progress import Progress
from pluglm.runs.folder import new_folder

LEAST_STEPS = 10


class Growing(Schedule):
    """The rates that are tried, as multiples of the optimizer's."""

    factors: tuple[float, ...]

    def after_warmup(self, progress: float) -> float:
        """There is no warm-up."""
        raise NotImplementedError

    def factor(self, step: int, steps: int) -> float:
        """That of the step."""
        return self.factors[step]


class _Enough(Exception):
    """The curve is complete."""


def find_lr(config: RunConfig, lowest: float, highest: float, steps: int, progress: Progress) -> tuple[RateCurve, Path]:
    """Train `steps` steps at rates from `lowest` to `highest`, or until the loss diverges, and write what was found
    into a folder of its own; the model is thrown away.

    Raises:
        ConfigError: for rates that do not grow, too few steps, or more than one process.
    """
    _check(config, lowest, highest, steps)
    from pluglm.lifecycle.assemble import assemble
    from pluglm.lifecycle.fit import fit
    from pluglm.lifecycle.preparation import prepared
    from pluglm.progress import quiet_libraries

    quiet_libraries()
    folder = new_folder(replace(config, name=f"{config.name}-find-lr"))
    curve = RateCurve(growing_rates(lowest, highest, steps))

    def notify(hook: str, event: Any) -> None:
        if hook != "metrics_logged" or event.metrics["kind"] != "train":
            return
        curve.losses.append(event.metrics["loss"])
        if curve.diverged():
            curve.ended = f"the loss diverged at {curve.rates[len(curve.losses) - 1]:.3g}"
            raise _Enough
        if event.step == steps:
            raise _Enough

    corpus, examples = prepared(config, folder, progress)
    assembly = assemble(_rising(config, curve.rates), corpus, examples, progress.say)
    with tempfile.TemporaryDirectory() as scratch:
        try:
            fit(assembly, Path(scratch), progress, notify)
        except _Enough:
            pass
        except Diverged as problem:
            # At a rate that is too high the loss may be no number before it is seen to grow.
            curve.ended = str(problem).split(";")[0]
    _write(curve, config, folder)
    return curve, folder


def _check(config: RunConfig, lowest: float, highest: float, steps: int) -> None:
    problems = []
    if not 0 < lowest < highest:
        problems.append(Problem("--max", "must be above --min, and both above 0", f"{lowest:g} to {highest:g}"))
    if steps < LEAST_STEPS:
        problems.append(Problem("--steps", f"must be {LEAST_STEPS} or more", steps))
    if config.parallelism.world_size() != 1:
        reason = "takes more than one process; the rate is found with one"
        problems.append(Problem("parallelism", reason, config.parallelism.name, "parallelism=single"))
    if problems:
        raise ConfigError(problems)


def _rising(config: RunConfig, rates: list[float]) -> RunConfig:
    """The run with these rates in place of its schedule, whole batches, every step logged, nothing saved or validated,
    and no limit to the loss."""
    length = {"steps": len(rates), "epochs": None, "tokens": None}
    limits = {"max_loss_ratio": None, "batch_size_warmup": 0.0, "sequence_length_warmup": 0.0}
    every = {"log_every": 1, "eval_every": 0, "save_every": 0}
    return replace(
        config,
        train=config.train.model_copy(update=length | limits | every),
        schedule=Growing(factors=tuple(rate / config.optimizer.lr for rate in rates)),
    )


def _write(curve: RateCurve, config: RunConfig, folder: Path) -> None:
    from pluglm.reporting.find_lr_page import write_page

    count = len(curve.losses)
    found = {
        "suggested": curve.suggested(),
        "steepest": curve.steepest(),
        "lowest": curve.lowest(),
        "ended": curve.ended,
        "rates": curve.rates[:count],
        "losses": curve.losses,
        "smoothed": curve.smooth(),
        "config": dict(config.resolved),
    }
    write_json(folder / "find_lr.json", found)
    write_page(found, folder / "find_lr.html")
