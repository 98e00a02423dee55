"""Every recipe composes with what pluglm has, and says what it is for."""

from __future__ import annotations

from pathlib import Path

import pluglm_recipes
import pytest

from pluglm.catalog import installed_catalog
from pluglm.config.compose import compose

RECIPES = sorted((Path(pluglm_recipes.__file__).parent / "recipes").rglob("*.yaml"))


def test_they_are_found() -> None:
    found = installed_catalog().recipes("experiment")
    mine = {name for name, recipe in found.items() if recipe.owner == "pluglm-recipes"}
    assert mine == {path.stem for path in RECIPES} == {"laptop_gpt", "laptop_forgetting"}
    assert all(len(found[name].about()) > 30 for name in mine)


@pytest.mark.parametrize("recipe", RECIPES, ids=lambda path: path.stem)
def test_recipe_composes(recipe: Path, tmp_path: Path) -> None:
    words = []
    if "override /model: pretrained" in recipe.read_text(encoding="utf-8"):
        (tmp_path / "config.json").write_text('{"architectures": ["LlamaForCausalLM"], "model_type": "llama"}')
        (tmp_path / "model.safetensors").write_bytes(b"")
        (tmp_path / "tokenizer.json").write_text("{}")
        words = [f"model.path={tmp_path}", f"tokenizer.path={tmp_path}"]
    assert compose([f"experiment={recipe.stem}", *words]).name == recipe.stem
