"""Every recipe in conf/experiment composes, given the data that it asks for."""

from __future__ import annotations

import inspect
import json
from pathlib import Path
from typing import Any

import pytest
import yaml

from pluglm.catalog import installed_catalog
from pluglm.config.compose import compose

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
