"""MLflow: a database below the output folder, or a server."""

from __future__ import annotations

import logging
import os
import re
from collections.abc import Callable, Iterable, Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, ClassVar
from urllib.parse import urlsplit

from pydantic import Field

from pluglm import CheckpointWritten, MetricsLogged, Problem, RunConfig, RunEnded, RunStarted, Tracker, Tracking
from pluglm_trackers.accelerate_state import ensure_state

if TYPE_CHECKING:
    from accelerate.tracking import MLflowTracker

# By these MLFlow chooses a store and a run, before what it is told.
VARIABLES = ("MLFLOW_TRACKING_URI", "MLFLOW_RUN_ID")
STATUS = {"finished": "FINISHED", "failed": "FAILED", "stopped": "KILLED"}


def key(name: str) -> str:
    """`name` with what MLflow takes for no part of a name replaced."""
    return re.sub(r"[^\w\-. :/]", "_", name)


def use_store(uri: str) -> Callable[[], None]:
    """Let MLflow work on the store at `uri`, and return what brings back the one that the process had chosen."""
    import mlflow

    before, variables = mlflow.get_tracking_uri(), {name: os.environ.pop(name, None) for name in VARIABLES}
    # It tells of every table that it makes.
    logging.getLogger("mlflow").setLevel(logging.WARNING)
    mlflow.set_tracking_uri(uri)

    def restore() -> None:
        mlflow.set_tracking_uri(before)
        for name, value in variables.items():
            os.environ.pop(name, None)
            if value is not None:
                os.environ[name] = value

    return restore


class MlflowRun(Tracking):
    """The active run of MLflow's, of which a process has one at a time. `close` is called at its end."""

    def __init__(self, tracker: MLflowTracker, close: Callable[[], None]) -> None:
        self._tracker, self._close = tracker, close
        self._id = str(tracker.tracker.info.run_id)

    def remembered(self) -> Mapping[str, str]:
        """MLflow's name for the run."""
        return {"run_id": self._id}

    def log(self, event: MetricsLogged) -> None:
        """A point in each of the line's metrics."""
        self._tracker.log(event.values, step=event.step, run_id=self._id)

    def checkpoint(self, event: CheckpointWritten) -> None:
        """Where the newest one is, as a tag."""
        import mlflow

        mlflow.set_tag("pluglm.checkpoint", str(event.checkpoint.absolute()))

    def end(self, event: RunEnded) -> None:
        """The scores that are not there yet, where the last step was, and the status."""
        import mlflow

        there = mlflow.get_run(self._id).data.metrics
        scores = {key(name): value for name, value in event.scores.items() if there.get(key(name)) != value}
        if scores:
            self._tracker.log(scores, step=(event.results or {})["steps_done"], run_id=self._id)
        # Accelerate's own ending knows one status alone.
        mlflow.end_run(STATUS[event.status])
        self._close()


class Mlflow(Tracker):
    """Sends settings, metrics and scores to MLflow, into a database in output.dir or to a server. Through Accelerate.

    Look at it with `mlflow ui --backend-store-uri sqlite:///outputs/mlflow.db`. Runs of a sweep have the tag
    `pluglm.sweep` in common. The name and password of a server are MLFLOW_TRACKING_USERNAME and
    MLFLOW_TRACKING_PASSWORD in the environment, or MLFLOW_TRACKING_TOKEN.

    Source: Zaharia et al. 2018, "Accelerating the Machine Learning Lifecycle with MLflow".
    """

    requires: ClassVar[dict[str, str]] = dict.fromkeys(("mlflow", "sqlalchemy", "alembic"), "pluglm[mlflow]")

    experiment: Annotated[
        str, Field(pattern=r"^[^'\"\\]+$", description="The experiment that the run is a part of, made if need be")
    ] = "pluglm"
    tracking_uri: Annotated[
        str | None,
        Field(description="A server or database (http://..., sqlite:///...); null for mlflow.db in output.dir"),
    ] = None

    def problems(self, run: RunConfig) -> Iterable[Problem]:
        """A password in the address, which would be written down; and a second run at once, which MLflow has not."""
        path = next(f"tracker.{label}" for label, tracker in run.tracker.items() if tracker is self)
        if self.tracking_uri is not None and urlsplit(self.tracking_uri).password is not None:
            hint = "put it into MLFLOW_TRACKING_PASSWORD"
            yield Problem(f"{path}.tracking_uri", "holds a password, which would be written down", hint=hint)
        if sum(isinstance(tracker, Mlflow) for tracker in run.tracker.values()) > 1:
            yield Problem(path, "is chosen twice, and a process has one run of MLflow at a time")

    def open(self, event: RunStarted, remembered: Mapping[str, str]) -> MlflowRun:
        """A new run, or the one of that id."""
        from accelerate.tracking import MLflowTracker
        from filelock import FileLock

        ensure_state()
        folder = Path(event.config["output"]["dir"]).absolute()
        folder.mkdir(parents=True, exist_ok=True)
        uri = self.tracking_uri or f"sqlite:///{folder / 'mlflow.db'}"
        tags = {"pluglm.folder": str(event.folder.absolute()), **dict.fromkeys(map(key, self.tags), "true")}
        if event.sweep is not None:
            tags["pluglm.sweep"] = event.sweep
        tracker = MLflowTracker()
        # Given to it, these would yield to variables of the environment, and two runs could end up as one.
        for name, value in {
            "experiment_name": self.experiment,
            "run_id": remembered.get("run_id"),
            "run_name": event.settings["name"],
            "tags": tags,
            "nested_run": False,
        }.items():
            setattr(tracker, name, value)
        restore = use_store(uri)
        try:
            # Members of a sweep may make the database and the experiment at the same moment.
            with FileLock(folder / ".mlflow.lock"):
                self._make_experiment(None if self.tracking_uri else (folder / "mlflow-artifacts").as_uri())
            tracker.start()
            if not remembered:
                tracker.store_init_configuration({key(name): value for name, value in event.settings.items()})
        except BaseException:
            restore()
            raise
        return MlflowRun(tracker, restore)

    def _make_experiment(self, artifacts: str | None) -> None:
        import mlflow
        from mlflow.exceptions import MlflowException

        try:
            mlflow.create_experiment(self.experiment, artifacts)
        except MlflowException as error:
            if error.error_code != "RESOURCE_ALREADY_EXISTS":
                raise
