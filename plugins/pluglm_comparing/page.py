"""comparison.html, and beside it the same as CSV and JSON."""

from __future__ import annotations

import os
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from pluglm import page_environment, write_text
from pluglm_comparing.charts import (
    NAMES,
    Style,
    curve_chart,
    emergence_chart,
    front_chart,
    law_chart,
    repetition_chart,
    styles,
)
from pluglm_comparing.comparison import Comparison, compare
from pluglm_comparing.curves import AXES
from pluglm_comparing.differences import shown
from pluglm_comparing.figures import COST, FLOPS, LATENCY, SECONDS, SIZE, Metric
from pluglm_comparing.ladder import Rung
from pluglm_comparing.seeds import Change, Estimate
from pluglm_comparing.summary import sentences
from pluglm_comparing.tables import csv_text, json_text
from pluglm_comparing.wording import change_text, estimate_text, p_text, value_text

HERE = Path(__file__).parent
COSTS = (SIZE, LATENCY, SECONDS, FLOPS, COST)
STEP_COSTS = ((SIZE, "Size"), (SECONDS, "Training time"), (FLOPS, "Operations"), (LATENCY, "Latency"))
MOST_STEPS = 60

__all__ = ["compare", "write_comparison", "write_page"]


def write_comparison(paths: Sequence[Path], out: Path, metric: str | None = None) -> Path:
    """Write a page of one file that compares the runs in these run or sweep folders, with the same as .csv and .json
    beside it, and return its path.

    Raises:
        ConfigError: as `compare` does.
    """
    return write_page(compare(paths, metric), out)


def write_page(found: Comparison, out: Path) -> Path:
    """Write what was found as a page, .csv and .json; each file is whole or as it was."""
    from markupsafe import Markup

    drawn_as = styles(found.order, found.baseline)
    labels = [one.label for one in found.configurations]
    page = page_environment(HERE).get_template("comparison.html.jinja").render(
        found=found,
        labels=labels,
        styles=drawn_as,
        sentences=sentences(found),
        own_style=Markup((HERE / "comparison.css").read_text(encoding="utf-8")),
        links=[os.path.relpath(member.folder / "report.html", out.parent) for member in found.members],
        ranking=_ranking(found),
        costs=_varying(found),
        alike=_alike(found),
        panels=_curves(found, drawn_as),
        effects=_effects(found),
        steps=_steps(found),
        step_costs=[(name, words) for name, words in STEP_COSTS if name != LATENCY or found.latency_matters],
        fronts=[(front, front_chart(f"front-{i}", front, labels, drawn_as)) for i, front in enumerate(found.fronts)],
        scalings=[(one, [law_chart(f"law-{i}-{v}", one, v) for v in one.at]) for i, one in enumerate(found.scalings)],
        repetitions=[(one, repetition_chart(f"epochs-{i}", one)) for i, one in enumerate(found.repetitions)],
        emergences=[
            (one, [emergence_chart(f"emergence-{i}-{place}", one, place) for place in range(len(one.metrics))])
            for i, one in enumerate(found.emergences)
        ],
        figures=_figures(found),
        value_text=value_text,
        shown=shown,
        names=NAMES,
    )  # fmt: skip
    out.parent.mkdir(parents=True, exist_ok=True)
    for path, text in (
        (out, page),
        (out.with_suffix(".csv"), csv_text(found)),
        (out.with_suffix(".json"), json_text(found)),
    ):
        # A lone surrogate in a name must not cost the page.
        write_text(path, text, errors="replace")
    return out


def _varying(found: Comparison) -> list[Metric]:
    """What configurations cost, where they differ in it."""
    return [metric for metric in _costs(found) if len(_shown(found, metric)) > 1]


def _alike(found: Comparison) -> list[tuple[str, str]]:
    """What all of them cost alike."""
    return [
        (metric.words, next(iter(texts)))
        for metric in _costs(found)
        if len(texts := _shown(found, metric)) == 1 and len(found.configurations) > 1
    ]


def _costs(found: Comparison) -> list[Metric]:
    names = [name for name in COSTS if name != LATENCY or found.latency_matters]
    return [found.metrics[name] for name in names if name in found.metrics]


def _shown(found: Comparison, metric: Metric) -> set[str]:
    return {value_text(metric, own[metric.name].mean) if metric.name in own else "–" for own in found.means}


def _ranking(found: Comparison) -> list[dict[str, Any]]:
    """A row for each configuration, the best first."""
    rows, metric = [], found.quality
    own = {one: found.means[one].get(metric.name) for one in found.order} if metric else {}
    places = _whiskers([one for one in own.values() if one is not None])
    for one in found.order:
        mean, brought = own.get(one), found.changes[one].get(metric.name) if metric else None
        rows.append({
            "one": one,
            "configuration": found.configurations[one],
            "value": estimate_text(metric, mean) if metric and mean else "–",
            "whisker": places(mean) if mean else None,
            "n": mean.n if mean else 0,
            "change": change_text(metric, brought) if metric and one != found.baseline else "",
            "verdict": brought.verdict("lower") if metric and brought and metric.better == "lower"
            else brought.verdict("higher") if brought else "",
            "p": "" if brought is None or brought.adjusted is None else p_text(brought.adjusted),
            "costs": [
                value_text(cost, found.means[one][cost.name].mean) if cost.name in found.means[one] else "–"
                for cost in _varying(found)
            ],
        })  # fmt: skip
    return rows


def _whiskers(every: Sequence[Estimate]) -> Any:
    ends = [end for one in every for end in (one.mean, one.low, one.high) if end is not None]
    low, span = (min(ends), max(ends) - min(ends)) if ends else (0.0, 0.0)

    def places(one: Estimate) -> dict[str, float] | None:
        if not span:
            return None
        found = {"low": one.low, "value": one.mean, "high": one.high}
        return {name: 4 + 92 * ((one.mean if end is None else end) - low) / span for name, end in found.items()}

    return places


def _curves(found: Comparison, drawn_as: Mapping[int, Style]) -> list[tuple[str, str, list[Any]]]:
    """For each axis that a curve has: the axis, its name, and the charts of validation and training."""
    panels = []
    for axis, name in AXES.items():
        charts = []
        for what, lines in (("Validation loss", found.validation_curves), ("Training loss", found.training_curves)):
            if any(axis in curve.x for curve in lines):
                made = curve_chart(f"{what.split()[0].lower()}-{axis}", f"{what} by {name}", lines, axis, drawn_as)
                charts.append((what, made))
        if charts:
            panels.append(
                (axis, {"flops": "operations", "seconds": "seconds", "step": "steps"}.get(axis, name), charts)
            )
    return panels


def _effects(found: Comparison) -> list[dict[str, Any]]:
    if found.effects is None or found.quality is None or len(found.factors) < 2:
        return []
    if not any(effect.levels for effect in found.effects.effects):
        return []
    metric, rows = found.quality, []
    for effect in found.effects.effects:
        best = min((metric.loss(level.mean) for level in effect.levels), default=None)
        levels = [
            {
                "name": level.name,
                "mean": value_text(metric, level.mean),
                "change": change_text(metric, level.change) if level.change else "",
                "verdict": level.change.verdict(metric.better or "lower") if level.change else "",
                "best": metric.loss(level.mean) == best,
            }
            for level in effect.levels
        ]
        settings = effect.levels[0].settings if effect.levels else 0
        rows.append({"effect": effect, "levels": levels, "settings": settings})
    return rows


def _steps(found: Comparison) -> list[tuple[str, list[dict[str, Any]], int]]:
    """Single steps, from the baseline and between others: a heading, rows, and how many more there are."""
    if found.quality is None or not found.ladder:
        return []
    first = [rung for rung in found.ladder if rung.start == found.baseline]
    others = [rung for rung in found.ladder if rung.start != found.baseline]
    label = found.configurations[found.baseline].label
    parts = [(f"From the baseline, {label}", first), ("Between others", others)]
    return [
        (heading, [_step(found, rung) for rung in rungs[:MOST_STEPS]], max(0, len(rungs) - MOST_STEPS))
        for heading, rungs in parts
        if rungs
    ]


def _step(found: Comparison, rung: Rung) -> dict[str, Any]:
    metric = found.quality
    assert metric is not None
    # A rung is in losses: what is lower is better, whatever the metric.
    plain = Metric(metric.name, "lower")
    return {
        "what": rung.what,
        "start": found.configurations[rung.start].label,
        "end": found.configurations[rung.end].label,
        "change": change_text(plain, rung.change),
        "verdict": rung.change.verdict("lower"),
        "costs": {name: _multiple(times) for name, times in rung.costs.items()},
    }


def _multiple(times: float) -> str:
    share = 100 * (times - 1)
    if abs(share) < 0.5:
        return "±0 %"
    return f"× {times:.3g}" if times >= 2 else f"{share:+.0f} %".replace("-", "−")


def _figures(found: Comparison) -> list[tuple[Metric, list[tuple[str, str]]]]:
    """Every figure of every configuration, the best first: its text, and what may be said against the baseline."""
    rows = []
    for name, metric in found.metrics.items():
        cells = []
        for one in found.order:
            own, brought = found.means[one].get(name), found.changes[one].get(name)
            text = estimate_text(metric, own) if own else "–"
            cells.append((text, _told(metric, brought)))
        rows.append((metric, cells))
    return rows


def _told(metric: Metric, brought: Change | None) -> str:
    if brought is None or brought.p is None or metric.better not in ("lower", "higher"):
        return ""
    return brought.verdict(metric.better)
