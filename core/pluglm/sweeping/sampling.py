"""Members that a sampler proposes one after the other: Hydra's sweepers other than its basic one, such as Optuna's."""

from __future__ import annotations

import logging
import math
import sys
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

from pluglm.config.run_config import RunConfig
from pluglm.config.sweep_settings import LOSS, SweepSettings
from pluglm.errors import ConfigError, Problem
from pluglm.runs.run_data import read_run
from pluglm.sweeping.job import member_job
from pluglm.sweeping.line import Line
from pluglm.sweeping.members import Member, member

NO_SUCH_KEY = "has no such key"
Run = Callable[[Sequence[Member]], Sequence[Path | None]]
"""Runs members, or takes those that are finished as they are, and gives their folders, None where one cannot run."""


def sampled_choices(line: Line, done: Callable[[int, int], None] = lambda n, total: None) -> list[Member]:
    """A member for every single choice and both ends of every interval, beside the first of all others: what can be
    validated before a sampler has proposed anything. `done` is told how many of how many there are."""
    ends = {key: _ends(word) for key, word in line.intervals.items()}
    values = {**line.swept, **ends}
    first = {key: words[0] for key, words in values.items()}
    count = sum(map(len, values.values())) - len(values) + 1
    found: list[Member] = []
    for key, words in values.items():
        for word in words if not found else words[1:]:
            chosen = {**first, key: word}
            found.append(member([*line.fixed, *chosen.values()], tuple(chosen.values()), line.config_dir))
            done(len(found), count)
    return found


def sampler_problems(line: Line, choices: Sequence[Member]) -> list[Problem]:
    """Choices that are wrong whatever they are combined with, and what samplers cannot do."""
    keys = {key.partition(".")[0] for key in (*line.swept, *line.intervals)}
    swept = (*line.swept, *line.intervals)
    # A parameter that one technique has not may still be one of another that is sampled too.
    wrong = [p for one in choices for p in one.problems if p.path in swept and NO_SUCH_KEY not in p.reason]
    problems = {str(problem): problem for problem in wrong}
    configs = [one.config for one in choices if one.config is not None]
    if configs and configs[0].sweep.leave_one_out:
        reason = "a sampler proposes members of its own"
        problems["left out"] = Problem("sweep.leave_one_out", reason, hint="leave hydra/sweeper at basic")
    if configs and configs[0].sweep.metric == LOSS and keys & {"objective", "tokenizer"}:
        named = " and ".join(sorted(keys & {"objective", "tokenizer"}))
        hint = "name a score of an evaluator that can be"
        problems["metric"] = Problem("sweep.metric", f"losses under another {named} cannot be compared", LOSS, hint)
    return list(problems.values())


def sample(line: Line, config: Any, context: Any, base: RunConfig, run: Run) -> None:
    """Let Hydra's sweeper propose members until it has had enough.

    Its random choices are those of the run's seed unless the line gives it one, so that the same line proposes the same
    members again.
    """
    from hydra.core.plugins import Plugins
    from omegaconf import open_dict

    settings = config.hydra.sweeper
    with open_dict(settings):
        # They are among the words already, with what the line itself says of them on top.
        settings.params = None
        if "direction" in settings:
            settings.direction = base.sweep.direction
        if "sampler" in settings and "seed" in settings.sampler and settings.sampler.seed is None:
            settings.sampler.seed = base.seed
    sweeper = Plugins.instance().instantiate_sweeper(hydra_context=context, task_function=member_job, config=config)
    getattr(sweeper, "sweeper", sweeper).launcher = _Proposals(line, base.sweep, run)
    if "optuna" in sys.modules:
        sys.modules["optuna"].logging.set_verbosity(logging.WARNING)
    sweeper.sweep(arguments=list(line.sweeping))


class _Proposals:
    """What a sweeper takes for its launcher: it is given members' words, and returns what came of them."""

    def __init__(self, line: Line, settings: SweepSettings, run: Run) -> None:
        self._line, self._settings, self._run = line, settings, run

    def launch(self, job_overrides: Sequence[Sequence[str]], initial_job_idx: int) -> list[Any]:
        from hydra.core.utils import JobReturn, JobStatus

        fixed = self._line.fixed
        config_dir = self._line.config_dir
        proposed = [member([*fixed, *words], tuple(map(_short, words)), config_dir) for words in job_overrides]
        folders = self._run(proposed)
        returns = []
        for words, folder in zip(job_overrides, folders, strict=True):
            value = None
            # Of a member that failed on its way there is a validation loss too.
            if folder is not None and (folder / "results.json").is_file():
                value = measured(folder, self._settings.metric)
                if value is None:
                    raise missing_metric(folder, self._settings.metric)
            bad = math.inf if self._settings.direction == "minimize" else -math.inf
            done = JobReturn(overrides=list(words), status=JobStatus.COMPLETED)
            done.return_value = bad if value is None else value
            returns.append(done)
        return returns


def measured(folder: Path, metric: str) -> float | None:
    """The metric of a finished run: its best validation loss, or the score of the trained model that is named
    `evaluator.score`; None where it has none."""
    run = read_run(folder)
    if metric == LOSS:
        best = run.best_validation()
        return None if best is None else float(best["loss"])
    for stage in reversed(run.model_stages()):
        for score in stage.get("scores") or []:
            if f"{score.get('evaluator')}.{score.get('name')}" == metric and _finite(score.get("value")):
                return float(score["value"])
    return None


def missing_metric(folder: Path, metric: str) -> ConfigError:
    """What to say where a finished run has no such score."""
    scores = [score for stage in read_run(folder).model_stages() for score in stage.get("scores") or []]
    names = [f"{score.get('evaluator')}.{score.get('name')}" for score in scores]
    reason = "a finished run has no such score; it has " + ", ".join(dict.fromkeys([LOSS, *names]))
    return ConfigError([Problem("sweep.metric", reason, metric)])


def _short(word: str) -> str:
    """`lr=0.0064` for `lr=0.006431172050131994`, to be shown."""
    key, _, value = word.partition("=")
    try:
        return f"{key}={float(value):.4g}" if len(value) > 8 else word
    except ValueError:
        return word


def _ends(word: str) -> tuple[str, ...]:
    from hydra.core.override_parser.overrides_parser import OverridesParser

    override = OverridesParser.create().parse_override(word)
    interval: Any = override.value()
    return tuple(f"{override.get_key_element()}={value}" for value in (interval.start, interval.end))


def _finite(value: Any) -> bool:
    return isinstance(value, int | float) and math.isfinite(value)
