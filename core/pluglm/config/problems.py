"""What is wrong between parts of a config, each of which is right by itself."""

from __future__ import annotations

import difflib
import inspect
from collections.abc import Iterator
from importlib import import_module
from importlib.util import find_spec

from pluglm.config.run_config import RunConfig
from pluglm.config.settings import DataSettings, LaunchSettings
from pluglm.config.sweep_settings import LOSS
from pluglm.errors import Problem
from pluglm.families import FAMILIES, Intervention, Optimizer, Parallelism
from pluglm.families.intervention import DURING_TRAINING

OWN_OPTIONS = ("pipeline", "tasks", "workers", "logging_dir", "skip_completed")
"""Settings of datatrove's executors that follow from ours."""


def cross_problems(config: RunConfig) -> Iterator[Problem]:
    """Every problem that concerns more than one part of `config`."""
    yield from cut_problems(config)
    yield from batch_problems(config)
    yield from mixture_problems(config)
    yield from engine_problems(config.data)
    yield from launch_problems(config.launch, config.parallelism)
    yield from sweep_problems(config)


def cut_problems(config: RunConfig) -> Iterator[Problem]:
    """Techniques that do not work with what the parallelism does to the model."""
    parallelism = config.parallelism
    done = {"tensors": "cuts the model's tensors", "layers": "gives each process some of the model's layers"}
    for path, technique in config.techniques():
        if isinstance(technique, Intervention) and not technique.moments() & DURING_TRAINING:
            continue
        if isinstance(technique, (Intervention, Optimizer)) and (wrong := parallelism.cuts - technique.works_with_cut):
            reason = f"cannot be used with parallelism={parallelism.name}, which {done[min(wrong)]}"
            yield Problem(path, reason, technique.name, "choose parallelism=data or another technique")


def batch_problems(config: RunConfig) -> Iterator[Problem]:
    """Batches that the processes cannot share, and a length warm-up without blocks."""
    shares = config.parallelism.share(0)[1]
    if config.train.batch_size != "auto" and config.train.batch_size < shares:
        reason = f"is less than the {shares} processes that share each batch"
        yield Problem("train.batch_size", reason, config.train.batch_size)
    if config.train.sequence_length_warmup and not (type(config.objective).packs and config.data.packing):
        reason = "is for blocks of joined documents"
        hint = "leave it at 0, or turn data.packing on with an objective that packs"
        yield Problem("train.sequence_length_warmup", reason, config.train.sequence_length_warmup, hint)


def mixture_problems(run: RunConfig) -> Iterator[Problem]:
    """Sources that are named and are not there, or are there and have no share."""
    mixture = run.data.mixture
    for name in ("weights", "epochs"):
        for label in getattr(mixture, name):
            if label not in run.source:
                known = ", ".join(run.source)
                yield Problem(f"data.mixture.{name}.{label}", "is no source of this run", hint=f"there are: {known}")
    if mixture.epochs and not any(mixture.epochs.get(label, 1.0) for label in run.source):
        yield Problem("data.mixture.epochs", "leaves no source to train on", dict(mixture.epochs))
    left = [label for label in run.source if label not in mixture.weights] if mixture.weights else []
    for label in left:
        yield Problem("data.mixture.weights", f"has no share for source {label}", dict(mixture.weights))


def engine_problems(data: DataSettings) -> Iterator[Problem]:
    """Libraries that the chosen engine needs and that are not installed, and settings without which it cannot run."""
    extra, modules = {"ray": ("ray", ("datatrove", "ray")), "slurm": ("cluster", ("datatrove",))}.get(
        data.engine, ("", ())
    )
    missing = [name for name in modules if find_spec(name) is None]
    if missing:
        reason = f"needs {' and '.join(missing)}, which is not installed"
        yield Problem("data.engine", reason, data.engine, f"pip install 'pluglm[{extra}]'")
    if data.engine == "local" and data.engine_options:
        reason = "is for data.engine=ray or slurm; this machine takes data.workers"
        yield Problem("data.engine_options", reason, dict(data.engine_options))
    known = executor_options(data.engine) if data.engine_options and not missing else ()
    for name in data.engine_options if known else ():
        if name in OWN_OPTIONS:
            yield Problem(f"data.engine_options.{name}", "is set by pluglm", None, "see data.workers")
        elif name not in known:
            close = difflib.get_close_matches(name, known, n=1)
            hint = f"did you mean {close[0]!r}?" if close else f"there are: {', '.join(known)}"
            reason = f"is no setting of datatrove's {data.engine} executor"
            yield Problem(f"data.engine_options.{name}", reason, hint=hint)
    for name in ("partition", "time") if data.engine == "slurm" else ():
        if name not in data.engine_options:
            yield Problem(f"data.engine_options.{name}", "is needed by Slurm")


def executor_options(engine: str) -> tuple[str, ...]:
    """The settings that datatrove's executor of this name has and that are not ours."""
    if engine == "local":
        return ()
    module = import_module(f"datatrove.executor.{engine}")
    executor = getattr(module, f"{engine.title()}PipelineExecutor")
    return tuple(name for name in inspect.signature(executor).parameters if name not in OWN_OPTIONS)


def launch_problems(launch: LaunchSettings, parallelism: Parallelism) -> Iterator[Problem]:
    """Another number of processes than the parallelism's, and restarts where there is nobody to do it."""
    wanted, given = parallelism.world_size(), launch.processes
    if given is not None and given != wanted:
        own = "processes" in type(parallelism).model_fields
        hint = (
            f"write parallelism.processes={given}" if own else f"write parallelism=data parallelism.processes={given}"
        )
        shown = "1 process" if wanted == 1 else f"{wanted} processes"
        reason = f"parallelism={parallelism.name} runs in {shown}"
        yield Problem("launch.processes", reason, given, hint if given > 1 else "leave it at null")
    if launch.restarts and wanted == 1:
        hint = "leave it at 0, and go on by hand: pluglm resume RUN"
        yield Problem("launch.restarts", "is for runs of several processes", launch.restarts, hint)


def sweep_problems(config: RunConfig) -> Iterator[Problem]:
    """What keeps the sweep's settings from working with this run's."""
    sweep, lists = config.sweep, [family for family, spec in FAMILIES.items() if spec.many]
    for family in sweep.leave_one_out:
        if family not in lists:
            reason = "is no family that takes a list; known: " + ", ".join(lists)
            yield Problem("sweep.leave_one_out", reason, family)
    evaluator = sweep.metric.partition(".")[0]
    if sweep.metric != LOSS and evaluator not in config.evaluator:
        known = ", ".join([LOSS, *(f"{label}.<score>" for label in config.evaluator)])
        yield Problem("sweep.metric", f"no evaluator of this run gives it; known: {known}", sweep.metric)
    if sweep.pruning.enabled:
        if find_spec("optuna") is None:
            yield Problem("sweep.pruning", "needs optuna, which is not installed", hint="pip install 'pluglm[optuna]'")
        if not config.train.eval_every:
            yield Problem("sweep.pruning", "acts at validations, and there are none", hint="set train.eval_every")
