"""Recipes for small models on a laptop."""

from __future__ import annotations

from pathlib import Path

from pluglm import hookimpl


@hookimpl
def register_recipes() -> list[Path]:
    """What lies in `recipes/`."""
    return [Path(__file__).parent / "recipes"]
