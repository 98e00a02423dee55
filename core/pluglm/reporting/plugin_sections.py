"""Sections of a report that plugins add, checked and made ready for the page."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from pluglm.catalog import Catalog
from pluglm.events import ReportStarted
from pluglm.formatting import format_number
from pluglm.runs.folder import write_observer_error
from pluglm.runs.run_data import RunData
from pluglm.sections import ReportChart, ReportSection, ReportTable

if TYPE_CHECKING:
    from markupsafe import Markup

MOST_LINES = 4


@dataclass(frozen=True, slots=True)
class Shown:
    """A section as the page takes it: `rows` are of (text, whether it is a number)."""

    anchor: str
    title: str
    owner: str
    paragraphs: list[str]
    columns: list[tuple[str, bool]]
    rows: list[list[tuple[str, bool]]]
    charts: list[tuple[str, Markup]]


def plugin_sections(run: RunData, catalog: Catalog) -> list[Shown]:
    """The sections that plugins have for the run. One whose plugin fails is left out, with a line in
    observer_errors.txt."""
    event = ReportStarted(run.folder, run.config, run.plan, run.results, run.train, run.validation)
    shown: list[Shown] = []
    for plugin, answer in catalog.ask("report_sections", event=event):
        try:
            if isinstance(answer, Exception):
                raise answer
            shown += [_shown(section, str(plugin), f"section-{len(shown)}-{n}") for n, section in enumerate(answer)]
        except Exception as error:
            write_observer_error(run.folder, f"{plugin}: report_sections", error)
    return shown


def _shown(section: Any, owner: str, anchor: str) -> Shown:
    if not isinstance(section, ReportSection):
        raise TypeError(f"{section!r} is not a ReportSection")
    columns, rows = _cells(section.table) if section.table else ([], [])
    charts = [(chart.title, _drawn(chart, f"{anchor}-{number}")) for number, chart in enumerate(section.charts)]
    paragraphs = [str(text) for text in section.paragraphs]
    return Shown(anchor, str(section.title), owner, paragraphs, columns, rows, charts)


def _cells(table: ReportTable) -> tuple[list[tuple[str, bool]], list[list[tuple[str, bool]]]]:
    for row in table.rows:
        if len(row) != len(table.columns):
            raise ValueError(f"a row of {len(row)} values in a table of {len(table.columns)} columns")
    rows = [
        [(format_number(value) if _is_number(value) else str(value), _is_number(value)) for value in row]
        for row in table.rows
    ]
    aligned = [bool(rows) and all(row[place][1] for row in rows) for place in range(len(table.columns))]
    return [(str(name), right) for name, right in zip(table.columns, aligned, strict=True)], rows


def _drawn(chart: ReportChart, name: str) -> Markup:
    from pluglm.reporting.charts import Series, line_chart

    if len(chart.lines) > MOST_LINES:
        raise ValueError(f"{chart.title}: {len(chart.lines)} lines, and a chart has at most {MOST_LINES}")
    series = []
    for label, (x, y) in chart.lines.items():
        if len(x) != len(y):
            raise ValueError(f"{chart.title}: {label} has {len(x)} x and {len(y)} y")
        points = [(float(a), float(b)) for a, b in zip(x, y, strict=True) if math.isfinite(a)]
        series.append(Series(str(label), [a for a, _ in points], [b for _, b in points], dots=len(points) <= 40))
    return line_chart(name, f"{chart.title} by {chart.x_label}", series, chart.x_label)


def _is_number(value: object) -> bool:
    return isinstance(value, int | float) and not isinstance(value, bool)
