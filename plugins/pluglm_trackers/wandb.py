"""Weights & Biases: offline into the run folder, or its service."""

from __future__ import annotations

import os
import secrets
import shutil
from collections.abc import Iterable, Mapping
from typing import TYPE_CHECKING, Annotated, ClassVar, Literal

from pydantic import Field

from pluglm import CheckpointWritten, MetricsLogged, Problem, RunConfig, RunEnded, RunStarted, Tracker, Tracking
from pluglm_trackers.accelerate_state import ensure_state

if TYPE_CHECKING:
    from accelerate.tracking import WandBTracker


class WandbRun(Tracking):
    """The open run of W&B's, of which a process has one at a time."""

    def __init__(self, tracker: WandBTracker) -> None:
        self._tracker = tracker

    def remembered(self) -> Mapping[str, str]:
        """The id under which all its parts are one run."""
        return {"id": self._tracker.tracker.id}

    def log(self, event: MetricsLogged) -> None:
        """A point in each of the line's charts."""
        self._tracker.log(event.values, step=event.step)

    def checkpoint(self, event: CheckpointWritten) -> None:
        """Where the newest one is, in the summary."""
        self._tracker.tracker.summary["checkpoint"] = str(event.checkpoint.absolute())

    def end(self, event: RunEnded) -> None:
        """Scores and status into the summary."""
        run = self._tracker.tracker
        run.summary.update(event.scores | {"status": event.status})
        # Accelerate's own ending knows no exit code, and with 0 every run would have been well.
        run.finish(exit_code=0 if event.error is None else 1)


class Wandb(Tracker):
    """Sends settings, metrics and scores to Weights & Biases, offline unless it is told otherwise. Through Accelerate.

    Offline needs no account and no network, and `wandb sync RUN/wandb/offline-run-*` sends what is there. Online, the
    key is WANDB_API_KEY in the environment, or that of `wandb login`. Runs of a sweep are one group.

    Source: Biewald 2020, "Experiment Tracking with Weights and Biases", https://wandb.ai
    """

    requires: ClassVar[dict[str, str]] = {"wandb": "pluglm[wandb]"}
    # A process of its own does the sending, and loses the last seconds where this one is killed.
    from_the_start: ClassVar[bool] = True

    project: Annotated[str, Field(min_length=1, description="The project that the run is a part of")] = "pluglm"
    entity: Annotated[str | None, Field(description="The user or team whose project it is; null for your own")] = None
    mode: Annotated[
        Literal["offline", "online"], Field(description="Whether to write into the run folder alone, or to the service")
    ] = "offline"
    machine: Annotated[
        bool,
        Field(description="Whether W&B also records the machine: its name, load, packages, repository and command"),
    ] = False

    def problems(self, run: RunConfig) -> Iterable[Problem]:
        """A second run at once, which a process cannot have."""
        if sum(isinstance(tracker, Wandb) for tracker in run.tracker.values()) > 1:
            path = next(f"tracker.{label}" for label, tracker in run.tracker.items() if tracker is self)
            yield Problem(path, "is chosen twice, and a process has one run of W&B at a time")

    def open(self, event: RunStarted, remembered: Mapping[str, str]) -> WandbRun:
        """A new run, or the one of that id."""
        if self.mode == "offline":
            # Its own reports of its own errors would want a network.
            os.environ.setdefault("WANDB_ERROR_REPORTING", "false")
        import wandb
        from accelerate.tracking import WandBTracker

        ensure_state()
        if wandb.run is not None:
            raise RuntimeError(f"this process has a run of W&B open already ({wandb.run.id})")
        known = remembered.get("id") or secrets.token_hex(4)
        # The service passes over steps that it has. A file is written anew, whole, in place of the one that broke off.
        for old in (event.folder / "wandb").glob(f"offline-run-*-{known}"):
            shutil.rmtree(old)
        tracker = WandBTracker(
            self.project,
            entity=self.entity,
            mode=self.mode,
            dir=event.folder,
            id=known,
            resume="allow",
            name=event.settings["name"],
            group=event.sweep,
            tags=self.tags,
            settings=wandb.Settings(
                console="off",
                silent=True,
                host=None if self.machine else "",
                disable_code=True,
                disable_git=not self.machine,
                x_disable_meta=not self.machine,
                x_disable_machine_info=not self.machine,
                x_disable_stats=not self.machine,
                x_save_requirements=self.machine,
            ),
        )
        tracker.start()
        if self.mode == "offline" or not remembered:
            tracker.store_init_configuration(event.settings)
        return WandbRun(tracker)
