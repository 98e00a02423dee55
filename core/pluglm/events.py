"""What notification hooks are told. Fields may be added to these; none is removed or renamed."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any


@dataclass(frozen=True, slots=True)
class RunStarted:
    """`folder`: the run folder; `config`: the resolved config as plain data."""

    folder: Path
    config: Mapping[str, Any]


@dataclass(frozen=True, slots=True)
class MetricsLogged:
    """`metrics`: the line as written, with its `kind` (train, validation) and `step`."""

    folder: Path
    step: int
    metrics: Mapping[str, Any]


@dataclass(frozen=True, slots=True)
class CheckpointWritten:
    """`checkpoint`: the folder of the checkpoint."""

    folder: Path
    step: int
    checkpoint: Path


@dataclass(frozen=True, slots=True)
class RunEnded:
    """`error`: why the run failed, or None."""

    folder: Path
    error: BaseException | None
