"""Every recipe composes with what pluglm has, and says what it is for."""

from __future__ import annotations

from pathlib import Path

import pluglm_recipes
import pytest

from pluglm.catalog import installed_catalog
from pluglm.config.compose import compose
from pluglm.sweeping.line import read_line

RECIPES = sorted((Path(pluglm_recipes.__file__).parent / "recipes").rglob("*.yaml"))


def test_they_are_found() -> None:
    found = [*installed_catalog().recipes("experiment").values(), *installed_catalog().recipes("sweep").values()]
    mine = [recipe for recipe in found if recipe.owner == "pluglm-recipes"]
    assert {recipe.name for recipe in mine} == {path.stem for path in RECIPES}
    assert len(mine) == 3 and all(len(recipe.about()) > 30 for recipe in mine)


@pytest.mark.parametrize("recipe", RECIPES, ids=lambda path: path.stem)
def test_recipe_composes(recipe: Path, tmp_path: Path) -> None:
    words = []
    if "override /model: pretrained" in recipe.read_text(encoding="utf-8"):
        (tmp_path / "config.json").write_text('{"architectures": ["LlamaForCausalLM"], "model_type": "llama"}')
        (tmp_path / "model.safetensors").write_bytes(b"")
        (tmp_path / "tokenizer.json").write_text('{"model": {}}')
        words = [f"model.path={tmp_path}", f"tokenizer.path={tmp_path}"]
    assert compose([f"{recipe.parent.name}={recipe.stem}", *words]).name == recipe.stem


def test_the_sweep_is_over_rates_and_seeds() -> None:
    line = read_line(["sweep=laptop_learning_rates"])
    assert {key: len(words) for key, words in line.swept.items()} == {"optimizer.lr": 4, "seed": 2}
