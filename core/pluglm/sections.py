"""What a plugin can put into a report: text, a table and charts, as data that the page escapes and draws."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class ReportTable:
    """A table.

    Attributes:
        columns: their headings.
        rows: as many values as columns each; numbers are aligned and shortened, anything else is shown as text.
    """

    columns: Sequence[str]
    rows: Sequence[Sequence[object]]


@dataclass(frozen=True, slots=True)
class ReportChart:
    """A line chart.

    Attributes:
        title: what it shows, with the unit.
        lines: up to four, by label: their x and their y values, of the same length.
        x_label: what x is.
    """

    title: str
    lines: Mapping[str, tuple[Sequence[float], Sequence[float]]]
    x_label: str = "step"


@dataclass(frozen=True, slots=True)
class ReportSection:
    """A section of a report.

    Attributes:
        title: its heading.
        paragraphs: plain text.
        table: shown after the text.
        charts: shown after the table, side by side where there is room.
    """

    title: str
    paragraphs: Sequence[str] = ()
    table: ReportTable | None = None
    charts: Sequence[ReportChart] = ()
