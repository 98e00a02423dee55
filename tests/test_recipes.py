"""Every recipe in conf/experiment composes, given the data that it asks for, and so does every member of those in
conf/sweep."""

from __future__ import annotations

import inspect
import json
from pathlib import Path
from typing import Any

import pytest
import yaml
from small_runs import SHRUNK

from pluglm.catalog import installed_catalog
from pluglm.config.compose import compose
from pluglm.lifecycle.run import run
from pluglm.sweeping.line import read_line
from pluglm.sweeping.members import grid, swept_keys

SWEEPS = sorted((Path(__file__).parents[1] / "conf" / "sweep").glob("*.yaml"))
RECIPES = sorted((Path(__file__).parents[1] / "conf" / "experiment").glob("*.yaml"))


def data_for(recipe: Path, folder: Path) -> list[str]:
    """Words that give each source of the recipe what it needs."""
    chosen: dict[str, Any] = {}
    for default in yaml.safe_load(recipe.read_text(encoding="utf-8"))["defaults"]:
        chosen |= default if isinstance(default, dict) else {}
    words = []
    for name in chosen.get("override /source", []):
        kind = installed_catalog().find("source", name)
        assert kind is not None, name
        example = getattr(kind, "example", None)
        if inspect.ismethod(example):  # it has parameters without a default
            place = folder / name
            place.mkdir()
            for key, value in example(place).items():
                words.append(f"source.{name}.{key}={json.dumps(value, default=str)}")
    return words


@pytest.mark.parametrize("recipe", RECIPES, ids=lambda path: path.stem)
def test_recipe_composes(recipe: Path, tmp_path: Path) -> None:
    needs = data_for(recipe, tmp_path) if "defaults" in recipe.read_text() else []
    config = compose([f"experiment={recipe.stem}", *needs])
    assert config.name == recipe.stem
    first = recipe.read_text(encoding="utf-8").splitlines()
    assert first[0] == "# @package _global_" and first[1].startswith("# "), "a recipe begins with what it is for"


@pytest.mark.parametrize("recipe", SWEEPS, ids=lambda path: path.stem)
def test_every_member_of_a_sweep_composes(recipe: Path) -> None:
    line = read_line([f"sweep={recipe.stem}"])
    members = grid(line)
    assert len(members) > 2 and len(swept_keys(line, members)) > 0
    assert [member.reason for member in members] == [None] * len(members)
    first = recipe.read_text(encoding="utf-8").splitlines()
    assert first[0] == "# @package _global_" and first[1].startswith("# ") and f"sweep={recipe.stem}" in "".join(first)
    assert all(member.config is not None and member.config.name == recipe.stem for member in members)


@pytest.mark.parametrize(
    ("name", "objective", "scores"),
    [
        ("pretrain_gpt", "clm", {"bits_per_byte", "bits_per_byte_5gram", "accuracy"}),
        ("pretrain_bert", "mlm_nsp", {"masked_accuracy", "masked_majority_accuracy", "nsp_accuracy"}),
        ("pretrain_t5", "span_corruption", {"accuracy", "majority_accuracy"}),
    ],
)
def test_pretraining_goes_down_and_tells_of_every_task(
    name: str, objective: str, scores: set[str], tmp_path: Path
) -> None:
    short = [*SHRUNK, "train.steps=40", "train.eval_every=0", "train.save_every=0"]
    small = ["source.python_library.max_megabytes=0.3", "tokenizer.vocab_size=512", "data.sequence_length=64"]
    config = compose([f"experiment={name}", *short, *small, f"data.cache_dir={tmp_path / 'cache'}"])
    assert config.objective.name == objective
    folder = run(config, tmp_path / "run", quiet=True)
    (evaluation,) = json.loads((folder / "results.json").read_text())["evaluations"]
    assert scores <= {score["name"] for score in evaluation["scores"]}
    lines = [json.loads(line) for line in (folder / "metrics.jsonl").read_text().splitlines()]
    losses = [line["loss"] for line in lines if line["kind"] == "train"]
    assert losses[-1] < losses[0] - 0.3
