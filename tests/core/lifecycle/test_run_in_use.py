"""One process at a time works in a run folder, and what a run that ends early read is kept."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
from small_runs import train

from pluglm.cli.dispatch import run_verb
from pluglm.config.compose import compose
from pluglm.errors import ConfigError, DataError
from pluglm.lifecycle.run import run
from pluglm.runs.in_use import working_in


@pytest.mark.parametrize("words", [["resume"], ["compress", "compressor=[dynamic_int8]"], ["evaluate"]])
def test_a_run_that_another_process_works_in_is_left_alone(tmp_path: Path, words: list[str]) -> None:
    folder = train(tmp_path / "run", "train.steps=2")
    before = {path: path.stat().st_mtime_ns for path in folder.rglob("*") if path.is_file()}
    with (
        working_in(folder, "train"),
        pytest.raises(ConfigError, match=r"another process works in this run folder \(pluglm train, process \d+"),
    ):
        run_verb(words[0], [str(folder), *words[1:]])
    assert {path: path.stat().st_mtime_ns for path in folder.rglob("*") if path in before} == before
    assert run_verb("resume", [str(folder), "--quiet"]) == 0


def test_a_run_that_ends_early_keeps_its_quarantine(tmp_path: Path) -> None:
    lines = ['{"text": "a line of text that is long enough to be kept"}', "not json", "nor this"]
    (tmp_path / "a.jsonl").write_text("\n".join(lines), encoding="utf-8")
    words = ["source=[jsonl]", f"source.jsonl.paths=[{tmp_path}/a.jsonl]", "data.max_quarantined=0.1", "tokenizer=byte"]
    with pytest.raises(DataError, match=r"quarantine\.jsonl"):
        run(compose(words), tmp_path / "run", quiet=True)
    records = [json.loads(line) for line in (tmp_path / "run" / "quarantine.jsonl").read_text().splitlines()]
    assert len(records) == 2 and {record["station"] for record in records} == {"source.jsonl"}
    ledger = json.loads((tmp_path / "run" / "ledger.json").read_text())
    assert ledger["stations"][0]["read"] == 3 and "cannot be used" in ledger["ended_early"]
