"""Comparisons tell what differed, and only that; cards and summaries tell what a run was."""

from __future__ import annotations

import csv
import io
import json
from pathlib import Path

import yaml
from run_folders import config, full_run, minimal_run
from test_report import Page

from pluglm.reporting.comparison import compare, write_comparison
from pluglm.reporting.model_card import write_model_card
from pluglm.reporting.summary import summary_lines


def changed(folder: Path, **parts: object) -> Path:
    full_run(folder)
    (folder / "config.yaml").write_text(yaml.safe_dump({**config(), **parts}, sort_keys=False))
    return folder


def test_a_parameter_that_differs(tmp_path: Path) -> None:
    runs = [full_run(tmp_path / "a", lr=0.001, bits_per_byte=2.0), full_run(tmp_path / "b", lr=0.1, bits_per_byte=1.9)]
    found = compare(runs)
    assert [(row.name, row.values) for row in found.differences] == [("optimizer.lr", (0.001, 0.1))]
    (bits,) = [row for row in found.scores if row.name == "fit.bits_per_byte"]
    assert bits.values == (2.02, 1.92) and bits.best() == 1
    # Neither direction is better, and yardsticks are nobody's score.
    (preference,) = [row for row in found.scores if row.name == "pairs.preference"]
    assert preference.best() is None
    assert not any("unigram" in row.name for row in found.scores)


def test_a_choice_that_differs_is_one_row(tmp_path: Path) -> None:
    other = {"name": "climbing", "lr": 0.001, "momentum": 0.9}
    found = compare([full_run(tmp_path / "a"), changed(tmp_path / "b", optimizer=other)])
    assert [(row.name, row.values) for row in found.differences] == [("optimizer", ("descent", "climbing"))]
    steps = {"tidy": {"name": "tidy", "fields": ["text"]}}
    found = compare([full_run(tmp_path / "c"), changed(tmp_path / "d", preprocessor=steps)])
    assert [(row.name, row.values) for row in found.differences] == [("preprocessor", (["tidy", "digits"], ["tidy"]))]


def test_where_the_same_choice_differs_in_itself_it_is_told(tmp_path: Path) -> None:
    runs = [full_run(tmp_path / "a"), full_run(tmp_path / "b", lr=0.5)]
    runs.append(changed(tmp_path / "c", optimizer={"name": "climbing", "momentum": 0.9}))
    names = [row.name for row in compare(runs).differences]
    assert names == ["optimizer", "optimizer.lr"]


def test_losses_of_different_things_have_no_best(tmp_path: Path) -> None:
    other = changed(tmp_path / "b", tokenizer={"name": "letters"})
    (other / "metrics.jsonl").write_text(json.dumps({"kind": "validation", "step": 9, "loss": 0.1}) + "\n")
    found = compare([full_run(tmp_path / "a"), other])
    (loss,) = [row for row in found.scores if row.name == "validation loss"]
    assert loss.best() is None


def test_written_in_every_form(tmp_path: Path) -> None:
    runs = [
        full_run(tmp_path / "x" / "one <b>"),
        full_run(tmp_path / "x" / "two", lr=0.1),
        minimal_run(tmp_path / "x" / "3"),
    ]
    found = compare(runs)
    rows = list(csv.reader(io.StringIO(found.csv())))
    assert [row[0] for row in rows[1:]] == list(found.runs) and {len(row) for row in rows} == {len(rows[0])}
    assert [entry["run"] for entry in json.loads(found.json())] == list(found.runs)
    assert "optimizer.lr" in str(found) and "one <b>" in str(found)
    page = Page(write_comparison(runs, tmp_path / "x" / "comparison.html").read_text(encoding="utf-8"))
    assert "one <b>" in page.text and "b" not in page.tags
    assert page.loads == ["one%20%3Cb%3E/report.html", "two/report.html", "3/report.html"]


def test_model_card(tmp_path: Path) -> None:
    folder = full_run(tmp_path / "run")
    results = json.loads((folder / "results.json").read_text())
    write_model_card(folder / "model", folder, results)
    card = (folder / "model" / "README.md").read_text(encoding="utf-8")
    front = yaml.safe_load(card.split("---")[1])
    assert front["library_name"] == "transformers" and front["pipeline_tag"] == "text-generation"
    for told in ("8,967", "too short", "projector", "1.93", "## Limits", "LlamaForCausalLM.from_pretrained"):
        assert told in card, told
    assert "/somewhere/private" not in card and "<script>" not in card
    write_model_card(folder / "model", folder, results)
    assert (folder / "model" / "README.md").read_text(encoding="utf-8") == card


def test_summary(tmp_path: Path) -> None:
    said = "\n".join(summary_lines(full_run(tmp_path / "run")))
    for told in (
        "10,437",
        "440 of 600 steps",
        "1.93",
        "unigram 4.61",
        "compressor.fewer_bits: 3.7 MB",
        "pluglm generate",
    ):
        assert told in said, told
    assert "pluglm resume" in "\n".join(summary_lines(minimal_run(tmp_path / "other")))
