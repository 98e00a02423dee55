"""Watts, seconds and grams by hand."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
from pluglm_carbon import report_sections
from pluglm_carbon.footprint import grid, seconds_at

from pluglm import ReportSection, ReportStarted

TRAIN = [
    {"kind": "train", "step": 10, "loss": 3.0, "seconds": 60.0, "tokens": 500_000},
    {"kind": "train", "step": 20, "loss": 2.0, "seconds": 180.0, "tokens": 1_000_000},
]
VALIDATION = [
    {"kind": "validation", "step": 5, "loss": 3.1},
    {"kind": "validation", "step": 15, "loss": 2.5},
    {"kind": "validation", "step": 20, "loss": 2.2},
]


def sections(results: dict[str, Any], train: list[Any], validation: list[Any]) -> list[ReportSection]:
    return list(report_sections(ReportStarted(Path("run"), {}, {}, results, train, validation)))


def test_a_kilowatt_for_an_hour_is_a_kilowatt_hour() -> None:
    found = grid({"PLUGLM_CARBON_WATTS": "1000", "PLUGLM_CARBON_INTENSITY": "500", "PLUGLM_CARBON_PUE": "1.5"})
    assert found.watt_hours(3600) == pytest.approx(1500)
    assert found.grams(3600) == pytest.approx(750)
    assert found.assumed == ()


def test_what_nobody_said_is_told() -> None:
    assert grid({"PLUGLM_CARBON_WATTS": "10"}).assumed == ("PLUGLM_CARBON_INTENSITY", "PLUGLM_CARBON_PUE")


@pytest.mark.parametrize("text", ["much", "-1", "0", "nan", "inf"])
def test_a_wrong_figure_is_named(text: str) -> None:
    with pytest.raises(ValueError, match="PLUGLM_CARBON_WATTS"):
        grid({"PLUGLM_CARBON_WATTS": text})


def test_time_between_two_lines_is_in_proportion() -> None:
    assert seconds_at(TRAIN, [0, 5, 10, 15, 20, 30]) == [0, 30, 60, 120, 180, 180]


def test_the_section(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PLUGLM_CARBON_WATTS", "100")
    monkeypatch.setenv("PLUGLM_CARBON_INTENSITY", "360")
    (section,) = sections({"training_seconds": 180.0, "total_seconds": 360.0}, TRAIN, VALIDATION)
    assert section.table is not None
    rows = {row[0]: row[1:] for row in section.table.rows}
    assert rows["training"] == [180.0, pytest.approx(5.0), pytest.approx(1.8)]
    assert rows["everything, with preparing and evaluating"] == [360.0, pytest.approx(10.0), pytest.approx(3.6)]
    assert rows["a million tokens of training"] == [180.0, pytest.approx(5.0), pytest.approx(1.8)]
    assert "Assumed, because nobody said: PLUGLM_CARBON_PUE." in section.paragraphs[0]
    (chart,) = section.charts
    grams, losses = chart.lines["validation"]
    assert grams == pytest.approx([0.3, 1.2, 1.8]) and losses == [3.1, 2.5, 2.2]


def test_a_run_that_did_not_train_has_none() -> None:
    assert sections({}, [], []) == []
    assert sections({}, [{"kind": "train", "step": 1, "loss": 1.0}], []) == []
