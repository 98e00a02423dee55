"""What hooks are told. Fields may be added to these; none is removed or renamed."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any


@dataclass(frozen=True, slots=True)
class RunStarted:
    """A run begins, or goes on.

    Attributes:
        folder: the run folder.
        config: the resolved config as plain data, as in `config.yaml`.
    """

    folder: Path
    config: Mapping[str, Any]


@dataclass(frozen=True, slots=True)
class MetricsLogged:
    """A line of metrics was written.

    Attributes:
        folder: the run folder.
        step: how many optimizer steps were done.
        metrics: the line as written, with its `kind` (train, validation) and `step`.
    """

    folder: Path
    step: int
    metrics: Mapping[str, Any]


@dataclass(frozen=True, slots=True)
class CheckpointWritten:
    """A checkpoint was written.

    Attributes:
        folder: the run folder.
        step: how many optimizer steps were done.
        checkpoint: the folder of the checkpoint, in the run folder.
    """

    folder: Path
    step: int
    checkpoint: Path


@dataclass(frozen=True, slots=True)
class RunEnded:
    """A run is over.

    Attributes:
        folder: the run folder.
        error: why the run failed or was stopped, or None.
    """

    folder: Path
    error: BaseException | None


@dataclass(frozen=True, slots=True)
class ReportStarted:
    """A report is about to be written, from what the run folder holds.

    Attributes:
        folder: the run folder.
        config: the resolved config as plain data.
        plan: what is in `plan.json`: what was predicted, and what was measured.
        results: what is in `results.json`: scores, steps, tokens, seconds.
        train: the training lines of `metrics.jsonl`, in order.
        validation: its validation lines, in order.
    """

    folder: Path
    config: Mapping[str, Any]
    plan: Mapping[str, Any]
    results: Mapping[str, Any]
    train: Sequence[Mapping[str, Any]]
    validation: Sequence[Mapping[str, Any]]
