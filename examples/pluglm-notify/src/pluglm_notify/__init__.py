"""Posts to a webhook, or runs a command, when a run ends; where it is asked for, also at each validation."""

from __future__ import annotations

from typing import Any

from pluglm import CheckpointWritten, MetricsLogged, RunEnded, RunStarted, hookimpl
from pluglm_notify.message import message
from pluglm_notify.sending import Sender, wanted

SENDER = Sender()


@hookimpl
def run_started(event: RunStarted) -> None:
    """A run began, or goes on."""
    _tell("started", event.folder.name)


@hookimpl
def metrics_logged(event: MetricsLogged) -> None:
    """A validation; lines of training are too many to be told."""
    if event.metrics["kind"] == "validation":
        _tell("validation", event.folder.name, step=event.step, loss=event.metrics.get("loss"))


@hookimpl
def checkpoint_written(event: CheckpointWritten) -> None:
    """A checkpoint is whole."""
    _tell("checkpoint", event.folder.name, step=event.step)


@hookimpl
def run_ended(event: RunEnded) -> None:
    """The run is over: finished, stopped to be resumed, or failed."""
    _tell("ended", event.folder.name, status=event.status, error=event.error, scores=event.scores)


def _tell(kind: str, run: str, **known: Any) -> None:
    if kind in wanted():
        SENDER.send(message(kind, run, **known), last=kind == "ended")
