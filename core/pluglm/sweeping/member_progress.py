"""What the members of a sweep are doing, read from their folders."""

from __future__ import annotations

import json
import math
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from pluglm.runs.run_data import read_json
from pluglm.sweeping import record


@dataclass(slots=True)
class Watched:
    """One member as far as its folder tells. `loss`: the last of training; `best`: the least validation loss;
    `seconds_left`: of its training, at its mean speed so far."""

    folder: Path
    step: int = 0
    steps: int | None = None
    loss: float | None = None
    best: float | None = None
    training_seconds: float = 0.0
    _read: int = 0
    _rest: bytes = b""
    state: Mapping[str, Any] = field(default_factory=dict)

    def look(self) -> None:
        """Read what is new."""
        self.state = read_json(self.folder / record.STATE)
        if self.steps is None:
            self.steps = read_json(self.folder / "plan.json").get("steps")
        try:
            with (self.folder / "metrics.jsonl").open("rb") as file:
                if file.seek(0, 2) < self._read:
                    # Cut back to a checkpoint: what was read is no longer so.
                    self._read, self._rest = 0, b""
                    self.step, self.loss, self.best = 0, None, None
                file.seek(self._read)
                new = file.read()
        except OSError:
            return
        self._read += len(new)
        *lines, self._rest = (self._rest + new).split(b"\n")
        for line in lines:
            try:
                self._take(json.loads(line))
            except ValueError:
                continue

    def _take(self, line: Mapping[str, Any]) -> None:
        loss = line.get("loss")
        if line.get("kind") == "train":
            self.step, self.loss = int(line["step"]), loss
            self.training_seconds = float(line.get("seconds") or 0.0)
        elif line.get("kind") == "validation":
            self.step = max(self.step, int(line["step"]))
            if isinstance(loss, int | float) and math.isfinite(loss) and (self.best is None or loss < self.best):
                self.best = loss

    @property
    def seconds_left(self) -> float | None:
        """None before it is known."""
        if self.steps is None or not self.step or not self.training_seconds:
            return None
        return (self.steps - self.step) * self.training_seconds / self.step

    @property
    def seconds(self) -> float | None:
        """How long it took from its last start to its end."""
        begun, ended = self.state.get("started"), self.state.get("ended")
        return None if begun is None or ended is None or ended < begun else ended - begun

    @property
    def doing(self) -> str:
        """Where a running member is: preparing, training, evaluating."""
        if self.steps is None:
            return "preparing"
        return "training" if self.step < self.steps else "evaluating"
