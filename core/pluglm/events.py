"""What hooks and trackers are told. Fields may be added to these; none is removed or renamed."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from pluglm.errors import Interrupted


@dataclass(frozen=True, slots=True)
class RunStarted:
    """A run begins, or goes on.

    Attributes:
        folder: the run folder.
        config: the resolved config as plain data, as in `config.yaml`.
        sweep: the name of the sweep that the run is a member of, or None.
    """

    folder: Path
    config: Mapping[str, Any]
    sweep: str | None = None

    @property
    def settings(self) -> dict[str, str | int | float | bool]:
        """The config under dotted keys (`optimizer.lr`); what is no single value is JSON (`null`, `[1, 2]`)."""
        from pluglm.formatting import flatten

        flat = flatten(self.config)
        return {k: v if isinstance(v, str | int | float) else json.dumps(v, default=str) for k, v in flat.items()}


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

    @property
    def values(self) -> dict[str, int | float]:
        """The numbers of the line under their kind: `train/loss`, `validation/loss`."""
        kind, numbers = self.metrics["kind"], dict(_numbers(self.metrics))
        return {f"{kind}/{name}": value for name, value in numbers.items() if name != "step"}


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
        results: what is in results.json, or None where the run failed.
    """

    folder: Path
    error: BaseException | None
    results: Mapping[str, Any] | None = None

    @property
    def status(self) -> str:
        """ "finished", "stopped" (asked to, and to be resumed) or "failed"."""
        if self.error is None:
            return "finished"
        return "stopped" if isinstance(self.error, Interrupted) else "failed"

    @property
    def scores(self) -> dict[str, int | float]:
        """What was measured of each stage of the model: `trained/NAME.SCORE` of evaluators, `trained/latency_ms`."""
        found: dict[str, int | float] = {}
        for stage in (self.results or {}).get("evaluations", ()):
            own = {f"{score['evaluator']}.{score['name']}": score["value"] for score in stage["scores"]}
            own |= {key: value for key, value in stage.items() if key != "scores"}
            found |= {f"{stage['stage']}/{name}": value for name, value in _numbers(own)}
        return found


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


@dataclass(frozen=True, slots=True)
class SweepEnded:
    """A sweep is over: no member of it is running.

    Attributes:
        folder: the folder of the sweep, with one folder for each member.
        members: the members as in `sweep.json`, in the order of their numbers: `number`, `label` (what is particular to
            it), `folder` (its name in that of the sweep, or None where it could not run), `status` ("finished",
            "pruned", "failed", "stopped", "invalid" or "waiting") and `reason` (text or None).
    """

    folder: Path
    members: Sequence[Mapping[str, Any]]


def _numbers(values: Mapping[str, Any]) -> Iterator[tuple[str, int | float]]:
    for name, value in values.items():
        if isinstance(value, int | float) and not isinstance(value, bool):
            yield name, value
