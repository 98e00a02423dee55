"""report.html: one whole, safe page, whatever the folder holds."""

from __future__ import annotations

import json
import re
import xml.etree.ElementTree as ET
from pathlib import Path

import pytest
from pages import Page
from run_folders import HOSTILE, full_run, minimal_run

from pluglm.formatting import format_number, format_seconds, format_size
from pluglm.reporting.charts import Series, line_chart
from pluglm.reporting.html import write_report
from pluglm.runs.run_data import read_run


def page(folder: Path) -> Page:
    text = write_report(folder).read_text(encoding="utf-8")
    assert text.startswith("<!DOCTYPE html>") and not re.search(r"@import|url\(\s*['\"]?(?!#)", text)
    return Page(text)


def test_a_run_with_everything(tmp_path: Path) -> None:
    shown = page(full_run(tmp_path / "run"))
    words = " ".join(shown.text.split())
    for heading in ("From documents to tokens", "Quarantine", "Training", "Evaluation", "Compression"):
        assert heading in words
    # Counts of the ledger, drops by reason, the score with its interval, the change, the config, the versions.
    for told in ("10,437", "too_short 900", "duplicate 350", "invalid_utf8", "1.93", "Stopped early", "bits per byte"):
        assert told in words, told
    for told in ("vocab_size: 4096", "2.13.0", "pluglm train name=stories", "12.9 MB", "3.7 MB", "penalty"):
        assert told in words, told
    assert len(shown.ids) == len(set(shown.ids))
    assert {anchor[1:] for anchor in shown.anchors} <= set(shown.ids)
    assert shown.tags.count("svg") >= 5


def test_a_technique_that_did_nothing_says_so(tmp_path: Path) -> None:
    folder = full_run(tmp_path / "run")
    assert "nothing changed" not in page(folder).text
    ledger = json.loads((folder / "ledger.json").read_text())
    (swap,) = [station for station in ledger["stations"] if station["station"] == "augmenter.swap"]
    swap |= {"added": 0, "changed": 0, "kept": swap["read"]}
    (folder / "ledger.json").write_text(json.dumps(ledger))
    assert page(folder).text.count("nothing changed") == 1


def test_it_loads_nothing_and_runs_nothing(tmp_path: Path) -> None:
    folder = full_run(tmp_path / "run")
    shown = page(folder)
    assert not shown.loads and not {"script", "img", "iframe", "link", "object"} & set(shown.tags)
    assert HOSTILE in shown.text and "Content-Security-Policy" in (folder / "report.html").read_text()


@pytest.mark.parametrize("missing", ["ledger", "metrics", "results", "manifest", "plan", "quarantine", "config"])
def test_a_run_that_broke_off(missing: str, tmp_path: Path) -> None:
    folder = full_run(tmp_path / "run")
    (victim,) = folder.glob(f"{missing}.*")
    whole = victim.read_bytes()
    victim.unlink()
    page(folder)
    # Torn in the middle of a line.
    victim.write_bytes(whole[: len(whole) // 2])
    page(folder)
    victim.write_bytes(b"")
    page(folder)


def test_a_run_that_hardly_began(tmp_path: Path) -> None:
    assert "This run is not finished." in page(minimal_run(tmp_path / "run")).text


def test_the_same_run_gives_the_same_page(tmp_path: Path) -> None:
    folder = full_run(tmp_path / "run")
    first = write_report(folder).read_bytes()
    assert write_report(folder).read_bytes() == first


def test_charts_are_well_formed_and_follow_the_page() -> None:
    chart = str(line_chart("loss", "Loss & <more>", [Series("a<b", [1, 2, 3], [3.0, float("nan"), 1.0])]))
    root = ET.fromstring(chart)
    assert "var(--series-1)" in chart and not re.search(r"#0102", chart)
    assert root.find("{http://www.w3.org/2000/svg}title").text == "Loss & <more>"


def loss_chart(folder: Path) -> str:
    text = write_report(folder).read_text(encoding="utf-8")
    return text[text.index('id="loss-title"') : text.index("</svg>", text.index('id="loss-title"'))]


def test_the_loss_chart_marks_the_best_validation_and_where_training_was_cut(tmp_path: Path) -> None:
    """It stopped at 440 of 600 steps, and was best at 360 or 400, before validation rose again."""
    folder = full_run(tmp_path / "run")
    best = read_run(folder).best_validation()
    assert best is not None and best["step"] < 440
    chart = loss_chart(folder)
    assert f"best validation at {best['step']}; stopped early at 440" in chart
    assert chart.count("stroke-dasharray") == 2, "a dashed line for each"
    assert re.search(r">600<", chart), "the axis goes to where training was to end"
    results = json.loads((folder / "results.json").read_text())
    (folder / "results.json").write_text(json.dumps(results | {"stopped": None}))
    assert "stopped early" not in loss_chart(folder)
    lines = (folder / "metrics.jsonl").read_text().splitlines()
    falling = [line for line in lines if json.loads(line)["step"] <= best["step"]]
    (folder / "metrics.jsonl").write_text("\n".join(falling) + "\n")
    assert "best validation" not in loss_chart(folder)


def test_figures_for_people() -> None:
    assert [format_number(value) for value in (None, 0, 1234567, 2.24001, 0.000123456, 98765.4, float("nan"))] == [
        "–", "0", "1,234,567", "2.24", "0.0001235", "98,765", "nan",
    ]  # fmt: skip
    assert [format_size(value) for value in (None, 0, 999, 1000, 8_660_000)] == [
        "–",
        "0 bytes",
        "999 bytes",
        "1 kB",
        "8.66 MB",
    ]
    assert [format_seconds(value) for value in (None, 0.51, 59.9, 60, 205, 7322)] == [
        "–", "0.5 s", "59.9 s", "1 min 00 s", "3 min 25 s", "2 h 02 min",
    ]  # fmt: skip


def test_what_is_read_of_a_run(tmp_path: Path) -> None:
    run = read_run(full_run(tmp_path / "run"))
    assert run.entered() == 10_437 and run.at_split()["train"] == 8_967
    assert [group.count for group in run.quarantine] == [37, 1]
    assert [e["stage"] for e in run.compressed_stages()] == ["compressor.fewer_bits"]
    best = run.best_validation()
    assert best is not None and best["loss"] == min(line["loss"] for line in run.validation)
