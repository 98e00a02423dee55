"""What is sent."""

from __future__ import annotations

import math
from collections.abc import Mapping
from typing import Any

LONGEST_ERROR = 300


def message(
    kind: str,
    run: str,
    step: int | None = None,
    loss: float | None = None,
    status: str | None = None,
    error: BaseException | None = None,
    scores: Mapping[str, float] | None = None,
) -> dict[str, Any]:
    """Plain JSON data: `text` is a sentence, which chat services show; the other keys are for programs. JSON has no
    infinity, so that numbers that are none are null."""
    said = "" if error is None else " ".join(f"{type(error).__name__}: {error}".split())[:LONGEST_ERROR]
    sentences = {
        "started": f"{run} has started.",
        "validation": f"{run}: validation loss {loss} at step {step}.",
        "checkpoint": f"{run}: a checkpoint was written at step {step}.",
        "ended": f"{run} {'was ' if status == 'stopped' else 'has '}{status}." + (f" {said}" if said else ""),
    }
    known = {"step": step, "loss": _finite(loss), "status": status, "error": said or None}
    numbers = {name: _finite(value) for name, value in (scores or {}).items()}
    return {
        "event": kind,
        "run": run,
        "text": sentences[kind],
        **{name: value for name, value in known.items() if value is not None},
        **({"scores": numbers} if numbers else {}),
    }


def _finite(value: float | None) -> float | None:
    return value if value is not None and math.isfinite(value) else None
