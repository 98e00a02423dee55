"""Hydra's launchers, given members' folders."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from pluglm.cores import available_cores
from pluglm.sweeping.job import member_job
from pluglm.sweeping.line import Line, hydra_at_work

SILENT = {"hydra/job_logging": "disabled", "hydra/hydra_logging": "disabled", "hydra.output_subdir": "null"}


@contextmanager
def hydra_in(line: Line, folder: Path) -> Iterator[tuple[Any, Any]]:
    """Hydra's config of a sweep that is written to `folder`, and the context that its launchers and sweepers take."""
    from hydra._internal.callbacks import Callbacks
    from hydra.types import HydraContext, RunMode

    given = {word.partition("=")[0].lstrip("+") for word in line.to_hydra}
    words = [f"{key}={value}" for key, value in SILENT.items() if key not in given]
    escaped = str(folder).replace("\\", "\\\\").replace("'", "\\'")
    words.append(f"hydra.sweep.dir='{escaped}'")
    with hydra_at_work() as hydra:
        asked = [*line.to_hydra, *words]
        config = hydra.compose_config("config", asked, run_mode=RunMode.MULTIRUN, with_log_configuration=False)
        yield config, HydraContext(config_loader=hydra.config_loader, callbacks=Callbacks(config))


def launcher(line: Line, config: Any, context: Any) -> Any:
    """The launcher that the line names, of Hydra's own."""
    from hydra.core.plugins import Plugins

    return Plugins.instance().instantiate_launcher(hydra_context=context, task_function=member_job, config=config)


def launch(starting: Any, line: Line, members: Sequence[str], batch: int) -> None:
    """Run the members in these folders, `batch` at a time at most, and return when all of them have ended."""
    recipes = [word for word in line.to_hydra if not word.lstrip("+~").startswith("hydra")]
    for begin in range(0, len(members), batch):
        jobs = [[*recipes, f"hydra.sweep.subdir={name}"] for name in members[begin : begin + batch]]
        starting.launch(jobs, initial_job_idx=begin)


def at_once(line: Line) -> int:
    """How many members the launcher runs side by side on this machine."""
    settings, cores = line.hydra.launcher, available_cores()
    kind = str(settings.get("_target_", "")).rpartition(".")[2]
    if kind == "BasicLauncher" or "array_parallelism" in settings:
        return 1
    if "n_jobs" in settings:
        return int(settings.n_jobs) if settings.n_jobs > 0 else cores
    if "ray" in settings:
        each = float(settings.ray.remote.get("num_cpus") or 1)
        return max(1, int((settings.ray.init.get("num_cpus") or cores) / each))
    return int(line.hydra.sweeper.get("max_batch_size") or cores)


def batch_size(line: Line, members: int) -> int:
    """How many members are handed to the launcher together: as many as the line says, or all, but for a launcher that
    would start all of them at once."""
    kind = str(line.hydra.launcher.get("_target_", "")).rpartition(".")[2]
    unbounded = kind == "LocalLauncher"
    return int(line.hydra.sweeper.get("max_batch_size") or (at_once(line) if unbounded else max(1, members)))
