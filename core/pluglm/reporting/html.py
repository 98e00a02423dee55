"""report.html: one page, of one file, that tells what a run did."""

from __future__ import annotations

import math
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

import yaml

from pluglm.catalog import installed_catalog
from pluglm.files.replacing import write_text
from pluglm.formatting import flatten, format_number, format_seconds, format_size
from pluglm.planning.lines import beside_lines
from pluglm.reporting.changes import changes, samples_of
from pluglm.reporting.plugin_sections import plugin_sections
from pluglm.reporting.score_tables import evaluation_table, stage_table
from pluglm.runs.run_data import RunData, read_run

if TYPE_CHECKING:
    from jinja2 import Environment
    from markupsafe import Markup

HERE = Path(__file__).parent
MOST_EXTRA_CHARTS = 12
MOST_INPUTS = 50
USUAL = {"kind", "step", "loss", "learning_rate", "grad_norm", "tokens", "seconds", "tokens_per_second"}
CURVES = [
    ("learning_rate", "Learning rate", True),
    ("grad_norm", "Gradient norm, before clipping", True),
    ("tokens_per_second", "Tokens per second", True),
]


@dataclass(frozen=True, slots=True)
class Bar:
    """A part of a bar: `share` of the full width in percent, `kind` its CSS class."""

    kind: str
    share: float
    label: str


def write_report(folder: Path) -> Path:
    """Write report.html from whatever files of the run in `folder` are there, and return its path."""
    run = read_run(folder)
    page = page_environment().get_template("report.html.jinja").render(
        run=run,
        figures=_figures(run),
        stations=_stations(run),
        tokens=_tokens(run),
        charts=_charts(run),
        scores=evaluation_table(run),
        stages=stage_table(run.model_stages()),
        compressed=stage_table([*run.model_stages()[-1:], *run.compressed_stages()]),
        techniques=techniques(run.config),
        config_text=yaml.safe_dump(run.config, sort_keys=False, allow_unicode=True) if run.config else "",
        plan=_plan(run.plan),
        sections=plugin_sections(run, installed_catalog()),
        most_inputs=MOST_INPUTS,
    )  # fmt: skip
    target = folder / "report.html"
    # A lone surrogate in a document must not cost the report.
    write_text(target, page, errors="replace")
    return target


def page_environment(folder: Path | None = None) -> Environment:
    """A Jinja environment with the report's templates and, before them, those of `folder`. Everything put into a
    template whose name has `.html` in it is escaped.

    Templates have the report's style sheet as `style`, and the filters `number`, `size` (bytes) and `seconds` for
    figures, `diff` (a pair of texts), `cell` (for a Markdown table) and `sentence` (a capital first, a full stop last).
    """
    from jinja2 import Environment, FileSystemLoader
    from markupsafe import Markup

    made = Environment(
        loader=FileSystemLoader([HERE] if folder is None else [folder, HERE]),
        autoescape=lambda name: name is not None and ".html" in name,
        trim_blocks=True,
        lstrip_blocks=True,
    )
    made.globals["style"] = Markup((HERE / "report.css").read_text(encoding="utf-8"))
    made.filters |= {"number": format_number, "size": format_size, "seconds": format_seconds}
    made.filters |= {"diff": changes, "cell": _markdown_cell, "sentence": _sentence}
    return made


def techniques(config: Mapping[str, Any]) -> list[tuple[str, str, dict[str, Any]]]:
    """Every chosen technique in the order of a run: its family, how it is called there, and its parameters."""
    from pluglm.families import FAMILIES

    found: list[tuple[str, str, dict[str, Any]]] = []
    for family, spec in FAMILIES.items():
        chosen = config.get(family)
        if not isinstance(chosen, Mapping):
            continue
        labelled = chosen.items() if spec.many else [("", chosen)]
        for label, parameters in labelled:
            if isinstance(parameters, Mapping):
                name = str(parameters.get("name", label))
                shown = name if label in ("", name) else f"{label} ({name})"
                found.append((family, shown, {key: value for key, value in parameters.items() if key != "name"}))
    return found


def _figures(run: RunData) -> list[tuple[str, str, str]]:
    """The headline: (what, figure, small print)."""
    figures: list[tuple[str, str, str]] = []
    results, split = run.results, run.at_split()
    if run.stations:
        kept = split.get("train", 0) + split.get("validation", 0) or run.stations[-1].get("kept", 0)
        figures.append(
            ("Documents kept", format_number(kept), f"of {format_number(run.entered())} that the sources gave")
        )
    if run.evaluations and run.evaluations[0].get("parameters") is not None:
        first = run.model_stages()[-1:] or run.evaluations
        figures.append(
            ("Parameters", format_number(first[0].get("parameters")), format_size(first[0].get("size_bytes")))
        )
    steps = results.get("steps_done") or (run.train[-1]["step"] if run.train else None)
    if steps is not None:
        planned = results.get("steps_planned") or run.plan.get("steps")
        tokens = results.get("tokens") or (run.train[-1].get("tokens") if run.train else None)
        cut_short = planned and planned != steps
        said = f"of {format_number(planned)} planned" if cut_short else f"{format_number(tokens)} tokens"
        figures.append(("Steps", format_number(steps), said))
    best = run.best_validation()
    if best is not None:
        last = run.validation[-1]
        small = "the last is the best" if best is last else f"best {format_number(best['loss'])} at step {best['step']}"
        figures.append(("Validation loss", format_number(last.get("loss")), small))
    if results.get("training_seconds") is not None:
        total = f"{format_seconds(results.get('total_seconds'))} in all"
        figures.append(("Training time", format_seconds(results["training_seconds"]), total))
    return figures


def _stations(run: RunData) -> list[dict[str, Any]]:
    """Each station with the parts of its bar; all bars have one scale."""
    most = max((s.get("read", 0) + s.get("added", 0) for s in run.stations), default=0) or 1
    shown = []
    for station in run.stations:
        arrived = station.get("read", 0) + station.get("added", 0)
        if station["station"] == "split":
            parts = [("kept", station.get("train", 0), "train"), ("held", station.get("validation", 0), "validation")]
            parts += [("dropped", n, reason) for reason, n in (station.get("dropped") or {}).items()]
            arrived = arrived or sum(count for _, count, _ in parts)
            most = max(most, arrived)
        else:
            parts = [("kept", station.get("kept", 0), "kept")]
            parts += [("dropped", n, f"dropped: {reason}") for reason, n in (station.get("dropped") or {}).items()]
            lost = (station.get("quarantined") or {}).items()
            parts += [("quarantined", n, f"quarantined: {reason}") for reason, n in lost]
        bars = [Bar(kind, 100 * n / most, f"{label} {format_number(n)}") for kind, n, label in parts if n]
        losses = [part for part in parts if part[1]][1:]
        # A technique that had nothing to do is as worth knowing as one that did much.
        acts = not station["station"].startswith(("source", "split", "objective"))
        idle = acts and not losses and not any(station.get(what) for what in ("changed", "noted", "added"))
        shown.append(
            station | {"arrived": arrived, "bars": bars, "losses": losses, "idle": idle, "samples": samples_of(station)}
        )
    return shown


def _tokens(run: RunData) -> list[dict[str, Any]]:
    shown = []
    for split, account in run.tokens.items():
        used, padding = account.get("tokens_used", 0), account.get("padding", 0)
        dropped = account.get("dropped") or {}
        parts = [("kept", used, "used"), *(("dropped", n, f"dropped: {reason}") for reason, n in dropped.items())]
        parts.append(("held", padding, "padding"))
        whole = sum(n for _, n, _ in parts) or 1
        bars = [Bar(kind, 100 * n / whole, f"{label} {format_number(n)}") for kind, n, label in parts if n]
        shown.append(account | {"split": split, "bars": bars, "losses": [part for part in parts if part[1]][1:]})
    return shown


def _charts(run: RunData) -> list[tuple[str, Markup]]:
    from pluglm.reporting.charts import Series, line_chart

    charts: list[tuple[str, Markup]] = []
    loss = [
        Series("train", *_points(run.train, "loss")),
        Series("validation", *_points(run.validation, "loss"), dots=len(run.validation) <= 40),
    ]
    loss = [line for line in loss if line.x]
    if loss:
        marks, until = _turning_points(run)
        charts.append(("Loss (nats)", line_chart("loss", "Loss by step", loss, marks=marks, until=until)))
    for key, title, from_zero in CURVES:
        x, y = _points(run.train, key)
        if x:
            name = key.replace("_", "-")
            charts.append((title, line_chart(name, f"{title} by step", [Series(title, x, y)], from_zero=from_zero)))
    extra = sorted({key for line in run.train + run.validation for key in line} - USUAL)
    for position, key in enumerate(extra[:MOST_EXTRA_CHARTS]):
        parts = [Series("train", *_points(run.train, key)), Series("validation", *_points(run.validation, key))]
        parts = [line for line in parts if line.x]
        if parts:
            charts.append((key.replace("_", " "), line_chart(f"extra-{position}", f"{key} by step", parts)))
    return charts


def _turning_points(run: RunData) -> tuple[list[tuple[float, str]], float | None]:
    """Where validation was best, if that was not at the end, and where training was cut short; and where it was to go,
    if it was."""
    marks: list[tuple[float, str]] = []
    best, until = run.best_validation(), None
    if best is not None and best is not run.validation[-1]:
        marks.append((float(best["step"]), "best validation"))
    if run.results.get("stopped") and run.results.get("steps_done"):
        marks.append((float(run.results["steps_done"]), "stopped early"))
        until = run.results.get("steps_planned")
    return marks, until


def _points(lines: Sequence[Mapping[str, Any]], key: str) -> tuple[list[float], list[float]]:
    found = [
        (float(line["step"]), float(line[key]))
        for line in lines
        if isinstance(line.get(key), int | float) and not isinstance(line[key], bool)
    ]
    if not any(math.isfinite(y) for _, y in found):
        return [], []
    return [x for x, _ in found], [y for _, y in found]


def _plan(plan: Mapping[str, Any]) -> list[tuple[str, str]]:
    """What was planned beside what was measured, and then all of the plan."""
    rows = beside_lines(plan)
    for path, value in flatten({key: value for key, value in plan.items() if key != "notes"}).items():
        show = format_size if "bytes" in path else format_seconds if path.endswith("seconds") else format_number
        shown = show(value)
        rows.append((path.replace(".", ": ").replace("_bytes", "").replace("_", " "), shown))
    return rows


def _sentence(text: object) -> str:
    """With a capital at its beginning and a full stop at its end."""
    words = str(text).strip()
    return words[:1].upper() + words[1:] + ("." if words and words[-1] not in ".!?" else "")


def _markdown_cell(value: Any) -> str:
    """A value in one line of a Markdown table, where nothing in it is markup."""
    text = " ".join(str(value).split())
    return re.sub(r"([\\`*\[\]<>|])", r"\\\1", text)
