"""Scores as tables: of one model, and of a model through the stages that changed it."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from pluglm.formatting import format_number, format_size
from pluglm.runs.run_data import RunData


@dataclass(frozen=True, slots=True)
class Cell:
    """A score in a table of stages, with its change from the first stage: "good", "bad", "same" or ""."""

    value: str
    interval: str = ""
    change: str = ""
    verdict: str = ""


def evaluation_table(run: RunData) -> list[tuple[str, list[dict[str, Any]]]]:
    """The scores of the model in `model/`, by evaluator, each evaluator's baselines after its own figures."""
    stages = run.model_stages()
    groups: dict[str, list[dict[str, Any]]] = {}
    for score in stages[-1].get("scores") or [] if stages else []:
        groups.setdefault(str(score.get("evaluator", "")), []).append(score | {"whisker": None})
    for scores in groups.values():
        scores.sort(key=lambda score: bool(score.get("baseline")))
        _add_whiskers(scores)
    return list(groups.items())


def _add_whiskers(scores: list[dict[str, Any]]) -> None:
    """Positions in percent of the value and its interval, on one scale for a score and the baselines named like it."""
    for leader in [s for s in scores if not s.get("baseline")]:
        peers = [s for s in scores if s is leader or (s.get("baseline") and str(leader["name"]) in str(s["name"]))]
        ends = [float(s[key]) for s in peers for key in ("value", "low", "high") if _is_number(s.get(key))]
        if len(ends) < 2 or max(ends) == min(ends):
            continue
        low, span = min(ends), max(ends) - min(ends)
        for score in peers:
            if _is_number(score.get("value")):
                place = {key: score[key] if _is_number(score.get(key)) else score["value"] for key in ("low", "high")}
                at = {key: 4 + 92 * (float(v) - low) / span for key, v in {**place, "value": score["value"]}.items()}
                score["whisker"] = at


def _is_number(value: Any) -> bool:
    return isinstance(value, int | float) and not isinstance(value, bool) and math.isfinite(value)


def stage_table(stages: Sequence[Mapping[str, Any]]) -> dict[str, Any] | None:
    """A table with a column for each stage and a row for each score, changes being from the first stage."""
    if len(stages) < 2:
        return None
    keys: dict[tuple[str, str], Mapping[str, Any]] = {}
    for stage in stages:
        for score in stage.get("scores") or []:
            if not score.get("baseline"):
                keys.setdefault((str(score.get("evaluator", "")), str(score["name"])), score)
    rows = []
    for (evaluator, name), described in keys.items():
        found = [
            next((s for s in e.get("scores") or [] if (s.get("evaluator", ""), s["name"]) == (evaluator, name)), None)
            for e in stages
        ]
        cells = [_cell(score, found[0] if position else None) for position, score in enumerate(found)]
        rows.append({"evaluator": evaluator, "name": name, "better": described.get("better", ""), "cells": cells})
    for key, name, show in (
        ("parameters", "parameters", format_number),
        ("size_bytes", "size on disk", format_size),
        ("latency_ms", "latency of one example, ms", format_number),
    ):
        if all(e.get(key) is None for e in stages) or len({e.get(key) for e in stages}) == 1:
            continue
        first = stages[0].get(key)
        cells = [
            Cell(show(e.get(key)), change=_percent(e.get(key), first) if i else "", verdict=_verdict(e, first, key, i))
            for i, e in enumerate(stages)
        ]
        rows.append({"evaluator": "", "name": name, "better": "lower", "cells": cells})
    return {"stages": [e["stage"] for e in stages], "rows": rows}


def _verdict(evaluation: Mapping[str, Any], first: Any, key: str, position: int) -> str:
    # A latency is told without a verdict: it has no interval, and the next measurement is another.
    if (
        key == "latency_ms"
        or not position
        or not _is_number(evaluation.get(key))
        or not _is_number(first)
        or evaluation[key] == first
    ):
        return ""
    return "good" if evaluation[key] < first else "bad"


def _percent(value: Any, first: Any) -> str:
    if not _is_number(value) or not _is_number(first) or not first:
        return ""
    share = 100 * (float(value) - float(first)) / float(first)
    return "±0 %" if abs(share) < 0.05 else f"{share:+.1f} %".replace("-", "−")


def _cell(score: Mapping[str, Any] | None, first: Mapping[str, Any] | None) -> Cell:
    if score is None:
        return Cell("–")
    value, interval = score.get("value"), interval_text(score)
    if first is None or not _is_number(value) or not _is_number(first.get("value")):
        return Cell(format_number(value), interval)
    change = float(score["value"]) - float(first["value"])
    text = "±0" if change == 0 else ("+" if change > 0 else "−") + format_number(abs(change), 3)
    better = score.get("better", "")
    low, high = first.get("low"), first.get("high")
    if change == 0 or (_is_number(low) and _is_number(high) and float(low or 0) <= score["value"] <= float(high or 0)):
        # Inside the interval of the first stage: nothing that could be told from chance.
        return Cell(format_number(value), interval, text, "same")
    verdict = "" if better not in ("lower", "higher") else "good" if (change < 0) == (better == "lower") else "bad"
    return Cell(format_number(value), interval, text, verdict)


def interval_text(score: Mapping[str, Any]) -> str:
    """The 95 % interval of a score, or nothing."""
    low, high = score.get("low"), score.get("high")
    return "" if low is None or high is None else f"{format_number(low)} to {format_number(high)}"
