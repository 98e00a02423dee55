"""A comparison as text for the terminal, as CSV, and as JSON."""

from __future__ import annotations

import csv
import io
import json
import shutil
import sys
from collections.abc import Mapping
from dataclasses import asdict, is_dataclass
from typing import TYPE_CHECKING, Any

from pluglm_comparing.comparison import Comparison
from pluglm_comparing.differences import SEED
from pluglm_comparing.figures import FLOPS, LATENCY, PARAMETERS, SECONDS, SIZE, Metric
from pluglm_comparing.summary import sentences
from pluglm_comparing.wording import change_text, estimate_text, several

if TYPE_CHECKING:
    from rich.table import Table

# With more configurations than this, they are rows, and their scores are left to the page.
MOST_COLUMNS = 5
LEADING = (PARAMETERS, SIZE, LATENCY, SECONDS, FLOPS)


def terminal_text(found: Comparison) -> str:
    """The table as plain text, as wide as the terminal or as it needs where there is none; and the sentences."""
    from rich.console import Console

    width = shutil.get_terminal_size().columns if sys.stdout.isatty() else 2000
    target = io.StringIO()
    Console(file=target, width=width, color_system=None).print(table(found))
    lines = [line.rstrip() for line in target.getvalue().splitlines()]
    for one in found.left_out:
        lines.append(f"not compared: {one.name}: {one.status}" + f", {one.reason}" * bool(one.reason))
    return "\n".join([*lines, "", *sentences(found)])


def table(found: Comparison) -> Table:
    """A Rich table: configurations as columns beside all figures; or, where they are many, as rows, the best first."""
    from rich.table import Table
    from rich.text import Text

    made = Table(title=_title(found), title_justify="left")
    few = len(found.configurations) <= MOST_COLUMNS
    keys = [key for key in found.configurations[0].settings if key != SEED]
    chosen = list(found.metrics) if few else [*([found.quality.name] if found.quality else []), *LEADING]
    metrics = [found.metrics[name] for name in chosen if name in found.metrics]
    rows = []
    for place, one in enumerate(found.order):
        own = found.configurations[one]
        star = " *" if found.quality and place == 0 and len(found.order) > 1 else ""
        figures = [_cell(found, one, metric) for metric in metrics]
        versus = "the baseline" if one == found.baseline else _versus(found, one)
        rows.append([own.label + star, str(len(set(own.seeds))), versus, *figures])
    names = ["configuration", "seeds", "against the baseline", *(_heading(metric) for metric in metrics)]
    if few:
        made.add_column("")
        for row in rows:
            made.add_column(Text(row[0]))
        for name, *cells in list(zip(names, *rows, strict=True))[1:]:
            made.add_row(Text(name), *map(Text, cells), end_section=name == names[2])
    else:
        for name in names:
            made.add_column(Text(name))
        for row in rows:
            made.add_row(*map(Text, row))
    differing = [key for key in keys if few] or keys
    made.caption = f"differ in {several(differing, 6)}" if differing else "the configs are alike"
    return made


def csv_text(found: Comparison) -> str:
    """One line for each run, under a line of names: what differs, then what came of it."""
    target = io.StringIO()
    writer = csv.writer(target, lineterminator="\n")
    groups = {run: one.label for one in found.configurations for run in one.runs}
    writer.writerow(["run", "folder", "configuration", *(row.key for row in found.differences), *found.metrics])
    for i, member in enumerate(found.members):
        settings = [row.values[i] for row in found.differences]
        figures = [found.figures[i][name].value if name in found.figures[i] else None for name in found.metrics]
        cells = ["" if v is None else v if isinstance(v, str | int | float) else json.dumps(v) for v in settings]
        writer.writerow([member.name, member.folder, groups[i], *cells, *("" if v is None else v for v in figures)])
    return target.getvalue()


def json_text(found: Comparison) -> str:
    """Everything that the page tells, for a script."""
    labels = [one.label for one in found.configurations]
    tree = {
        "metric": _metric(found.quality),
        "summary": sentences(found),
        "baseline": labels[found.baseline],
        "order": [labels[one] for one in found.order],
        "runs": [
            {
                "run": member.name,
                "folder": str(member.folder),
                "config": {row.key: row.values[i] for row in found.differences},
                "scores": {name: figure.value for name, figure in found.figures[i].items()},
            }
            for i, member in enumerate(found.members)
        ],
        "left_out": [{"run": one.name, "status": one.status, "reason": one.reason} for one in found.left_out],
        "configurations": [
            {
                "label": one.label,
                "runs": [found.members[run].name for run in one.runs],
                "seeds": list(one.seeds),
                "config": dict(one.settings),
                "scores": found.means[i],
                "changes": found.changes[i],
            }
            for i, one in enumerate(found.configurations)
        ],
        "effects": found.effects,
        "ladder": [
            {"from": labels[one.start], "to": labels[one.end], "what": one.what, "change": one.change}
            | {"costs": one.costs}
            for one in found.ladder
        ],
        "fronts": [
            {
                "quality": front.quality.name,
                "cost": front.cost.name,
                "points": [{**asdict(point), "configuration": labels[point.configuration]} for point in front.points],
            }
            for front in found.fronts
        ],
        "scaling": [_grouped(one, labels) for one in found.scalings],
        "repetition": [_grouped(one, labels) for one in found.repetitions],
        "emergence": [
            {**asdict(one), "metrics": [metric.name for metric in one.metrics], "jumps": one.jumps}
            for one in found.emergences
        ],
    }  # fmt: skip
    return json.dumps(tree, indent=1, default=_plain, ensure_ascii=False) + "\n"


def _title(found: Comparison) -> str:
    runs, groups = len(found.members), len(found.configurations)
    return f"{runs} runs" + (f" of {groups} configurations" if groups != runs else "")


def _heading(metric: Metric) -> str:
    return metric.name + (f" ({metric.better} is better)" if metric.better and "." in metric.name else "")


def _cell(found: Comparison, one: int, metric: Metric) -> str:
    own = found.means[one].get(metric.name)
    return "–" if own is None else estimate_text(metric, own)


def _versus(found: Comparison, one: int) -> str:
    metric = found.quality
    return change_text(metric, found.changes[one].get(metric.name)) if metric else ""


def _metric(metric: Metric | None) -> dict[str, Any] | None:
    return None if metric is None else {"name": metric.name, "better": metric.better, "target": metric.target}


def _grouped(one: Any, labels: list[str]) -> dict[str, Any]:
    return {**asdict(one), "metric": one.metric.name, "points": [labels[point] for point in one.points]}


def _plain(value: Any) -> Any:
    if is_dataclass(value) and not isinstance(value, type):
        return asdict(value)
    return dict(value) if isinstance(value, Mapping) else str(value)
