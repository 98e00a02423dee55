"""Sweeps of a few seconds."""

from __future__ import annotations

import json
import os
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

from small_runs import SMALL

# Each member is a small run, smaller still.
SWEEP = [*SMALL, "model.hidden_size=16", "train.steps=8", "train.batch_size=2", "train.save_every=2", "data.workers=1"]


def start(*words: str) -> subprocess.Popen[str]:
    """A sweep in a process of its own."""
    command = [sys.executable, "-m", "pluglm", "train", "-m", *SWEEP, *words]
    return subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True, env=dict(os.environ))


def sweep(*words: str) -> tuple[int, str, str]:
    """A sweep to its end: exit code, what it printed, and its errors."""
    process = start(*words)
    out, said = process.communicate(timeout=300)
    return process.returncode, out, said


def record(folder: Path) -> dict[str, Any]:
    """sweep.json."""
    found: dict[str, Any] = json.loads((folder / "sweep.json").read_text(encoding="utf-8"))
    return found


def statuses(folder: Path) -> list[str]:
    """Of all members, in their order."""
    return [member["status"] for member in record(folder)["members"]]


def until(true: Callable[[], object], seconds: float = 120) -> None:
    """Wait for something to be so."""
    end = time.monotonic() + seconds
    while not true():
        assert time.monotonic() < end, "it did not come to that"
        time.sleep(0.05)
