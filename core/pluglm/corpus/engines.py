"""Who does the tasks of a corpus: this process, several on this machine, or a cluster."""

from __future__ import annotations

import os
import shutil
import subprocess
import time
import uuid
from collections.abc import Callable, Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any, Protocol

from pluglm.config.settings import DataSettings
from pluglm.cores import available_cores
from pluglm.corpus.local_engine import LocalEngine
from pluglm.corpus.tasks import Task
from pluglm.errors import DataError, PluglmError

SLURM_SECONDS = 2.0


class Engine(Protocol):
    """Does tasks, in any order and anywhere, and tells of each how many documents it was about."""

    def run(self, tasks: Sequence[Task], done: Callable[[int], None]) -> None:
        """Return when all are done.

        Raises:
            PluglmError: what the first of them, in their order, failed with.
        """
        ...

    def close(self) -> None:
        """Let go of processes."""
        ...


def engine_for(data: DataSettings, cache: Path) -> Engine:
    """The engine that the settings ask for."""
    workers = data.workers or available_cores()
    if data.engine == "local":
        return LocalEngine(workers)
    return ClusterEngine(data.engine, workers, cache / "logs", data.engine_options)


class ClusterEngine:
    """Processes of datatrove's executors, on this machine's or another's nodes: `kind` is slurm or ray. Every node must
    see the cache at the same path, and have pluglm installed.

    Source: https://github.com/huggingface/datatrove
    """

    def __init__(self, kind: str, workers: int, logs: Path, options: Mapping[str, Any]) -> None:
        self.kind, self.workers, self.logs, self.options = kind, workers, logs, dict(options)

    def run(self, tasks: Sequence[Task], done: Callable[[int], None]) -> None:
        """Hand them to the cluster and wait; one alone is done here."""
        if len(tasks) < 2:
            for task in tasks:
                done(task.run())
            return
        self._quieten()
        folder = self.logs / uuid.uuid4().hex
        # A cluster takes seconds to start what takes us a tenth of one: each of its tasks is a share of ours.
        shares = min(len(tasks), self.workers)
        executor = self._executor([TaskStep(list(tasks), folder / "outcomes")], shares, folder)
        failed: Exception | None = None
        try:
            executor.run()
            self._wait(executor, folder, len(tasks))
        except Exception as error:
            failed = error
        for number, task in enumerate(tasks):
            for suffix, kind in (("data", DataError), ("failed", PluglmError)):
                said = folder / "outcomes" / f"{number}.{suffix}"
                if said.exists():
                    raise kind(said.read_text(encoding="utf-8"))
            if not task.is_done():
                reason = f": {failed}" if failed else ""
                raise PluglmError(f"data.engine={self.kind} left a task undone{reason}; its logs are in {folder}")
        done(sum(int(path.read_text()) for path in (folder / "outcomes").glob("*.count")))
        shutil.rmtree(folder)

    def _executor(self, pipeline: list[Any], tasks: int, folder: Path) -> Any:
        common = {"pipeline": pipeline, "tasks": tasks, "logging_dir": str(folder), "skip_completed": False}
        if self.kind == "ray":
            from datatrove.executor.ray import RayPipelineExecutor

            return RayPipelineExecutor(workers=self.workers, **{"log_first": True, **common, **self.options})
        from datatrove.executor.slurm import SlurmPipelineExecutor

        usual = {"job_name": "pluglm", "mail_type": "NONE"}
        return SlurmPipelineExecutor(workers=self.workers, **{**usual, **common, **self.options})

    def _quieten(self) -> None:
        # What the executors say of each task goes into the folder of logs, and only there.
        import datatrove.utils.logging  # noqa: F401  (it sets up what is taken away here)
        from loguru import logger

        logger.remove()
        if self.kind == "ray":
            import ray

            if not ray.is_initialized():
                ray.init(log_to_driver=False, logging_level="ERROR", include_dashboard=False)

    def _wait(self, executor: Any, folder: Path, tasks: int) -> None:
        if self.kind != "slurm":
            return
        # Slurm takes the job and goes on by itself; what it no longer has in its queue is over.
        while len(list((folder / "outcomes").glob("*.*"))) < tasks:
            command = ["squeue", "-h", "-j", str(executor.job_id)]
            queued = subprocess.run(command, capture_output=True, text=True)
            time.sleep(SLURM_SECONDS)
            if queued.returncode or not queued.stdout.strip():
                return

    def close(self) -> None:
        """Nothing: what comes next goes on with the same connection, which ends with the process."""


class TaskStep:
    """A step of a datatrove pipeline that does every world_size-th task from that of its rank on, and leaves a file for
    each, with its count or its error."""

    name, type = "pluglm", "task"

    def __init__(self, tasks: Sequence[Task], folder: Path) -> None:
        self.tasks, self.folder, self.working_folder = tasks, folder, os.getcwd()

    def __call__(self, data: Any, rank: int = 0, world_size: int = 1) -> Iterator[Any]:
        """Do them; no documents of datatrove's come out."""
        self.folder.mkdir(parents=True, exist_ok=True)
        os.chdir(self.working_folder)
        for number in range(rank, len(self.tasks), world_size):
            try:
                count = self.tasks[number].run()
            except Exception as error:
                said = str(error) if isinstance(error, PluglmError) else f"{type(error).__name__}: {error}"
                suffix = "data" if isinstance(error, DataError) else "failed"
                (self.folder / f"{number}.{suffix}").write_text(said, encoding="utf-8")
                raise
            (self.folder / f"{number}.count").write_text(str(count))
        yield from ()
