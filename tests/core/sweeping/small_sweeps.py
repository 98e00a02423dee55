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

SMALL = [
    "source=[generated_reviews]",
    "source.generated_reviews.documents=120",
    "preprocessor=[normalize,exact_dedup]",
    "tokenizer=byte",
    "model.size=nano",
    "model.hidden_size=16",
    "evaluator=[]",
    "train.steps=8",
    "train.batch_size=2",
    "train.eval_every=4",
    "train.eval_batches=1",
    "train.save_every=2",
    "train.log_every=2",
    "train.threads=1",
    "data.workers=1",
    "data.sequence_length=32",
    "data.validation_fraction=0.1",
]


def start(*words: str) -> subprocess.Popen[str]:
    """A sweep in a process of its own."""
    command = [sys.executable, "-m", "pluglm", "train", "-m", *SMALL, *words]
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
