"""A plugin's section is shown in the page's style and can do it no harm."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest
from pages import Page
from run_folders import HOSTILE, full_run, minimal_run

from pluglm import ReportChart, ReportSection, ReportStarted, ReportTable
from pluglm.reporting.html import write_report


def test_a_section_is_shown_and_escaped(tmp_path: Path, plug_in) -> None:
    told: list[ReportStarted] = []

    def report_sections(event: ReportStarted) -> Iterator[ReportSection]:
        told.append(event)
        loss = ReportChart(HOSTILE, {HOSTILE: ([1, 2, 3], [3.0, 2.0, float("nan")])}, x_label="hour")
        table = ReportTable([HOSTILE, "joules"], [[HOSTILE, 12345.678], [None, 7]])
        yield ReportSection(HOSTILE, [HOSTILE, "Second paragraph."], table, [loss, loss])
        yield ReportSection("Only a title")

    plain = write_report(full_run(tmp_path / "plain")).read_text(encoding="utf-8")
    plug_in("sections", report_sections)
    folder = full_run(tmp_path / "run")
    text = write_report(folder).read_text(encoding="utf-8")
    page = Page(text)
    assert "script" not in page.tags and not page.loads and len(page.ids) == len(set(page.ids))
    assert set(page.anchors) <= {f"#{name}" for name in page.ids}
    assert page.tags.count("figure") == Page(plain).tags.count("figure") + 2
    assert HOSTILE in page.text and "Second paragraph." in page.text and "pluglm-sections (sections)" in page.text
    # A column is aligned as numbers where all of it are.
    assert '<th class="number">joules</th>' in text and '<td class="number">12,346</td>' in text
    assert '<td>None</td><td class="number">7</td>' in text
    (event,) = told
    assert event.folder == folder and event.config["name"] == "stories <small>"
    assert event.train and event.validation and event.results["evaluations"] and event.plan
    assert not (folder / "observer_errors.txt").exists()


def test_a_run_with_next_to_nothing_is_told_as_empty(tmp_path: Path, plug_in) -> None:
    def report_sections(event: ReportStarted) -> list[ReportSection]:
        assert not event.results and not event.plan
        return [ReportSection("There", [f"{len(event.train)} lines"])]

    plug_in("sections", report_sections)
    assert "There" in write_report(minimal_run(tmp_path / "run")).read_text(encoding="utf-8")


@pytest.mark.parametrize(
    ("answer", "told"),
    [
        (lambda: 1 / 0, "ZeroDivisionError: division by zero"),
        (lambda: ["<b>mine</b>"], "TypeError: '<b>mine</b>' is not a ReportSection"),
        (
            lambda: [ReportSection("A", table=ReportTable(["a", "b"], [[1]]))],
            "a row of 1 values in a table of 2 columns",
        ),
        (lambda: [ReportSection("A", charts=[ReportChart("B", {"c": ([1, 2], [1])})])], "B: c has 2 x and 1 y"),
        (lambda: [ReportSection("A", charts=[ReportChart("B", {x: ([1], [1]) for x in "12345"})])], "at most 4"),
        (lambda: (ReportSection("A", [str(text)]) for text in [1 / 0]), "ZeroDivisionError"),
    ],
)
def test_one_that_fails_is_left_out_and_told(answer, told: str, tmp_path: Path, plug_in) -> None:
    def report_sections(event: ReportStarted) -> object:
        return answer()

    plug_in("a_failing", report_sections)

    def good(event: ReportStarted) -> list[ReportSection]:
        return [ReportSection("Good one")]

    good.__name__ = "report_sections"
    plug_in("good", good)
    folder = full_run(tmp_path / "run")
    for _ in range(2):
        assert "Good one" in write_report(folder).read_text(encoding="utf-8")
    (line,) = (folder / "observer_errors.txt").read_text().splitlines()
    assert line.startswith("pluglm-a_failing (a_failing): report_sections: ") and told in line
