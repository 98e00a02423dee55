"""Cards and summaries tell what a run was."""

from __future__ import annotations

import json
from pathlib import Path

import yaml
from run_folders import full_run, minimal_run

from pluglm.reporting.model_card import write_model_card
from pluglm.reporting.summary import summary_lines


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
