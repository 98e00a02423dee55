"""Which recipes a config can name, and where Hydra finds them."""

from __future__ import annotations

from pathlib import Path

from pluglm.catalog import Catalog, installed_catalog
from pluglm.config.quoting import quoted
from pluglm.errors import Problem
from pluglm.recipes import Recipe, recipes_in
from pluglm.suggestions import nearest


def recipes(group: str, config_dir: Path | None = None, catalog: Catalog | None = None) -> dict[str, Recipe]:
    """The recipes of a group by name, sorted: the built-in ones, those of plugins, and those of the folder."""
    found = dict((catalog or installed_catalog()).recipes(group))
    for recipe in recipes_in(config_dir, str(config_dir)) if config_dir else ():
        if recipe.group == group:
            found.setdefault(recipe.name, recipe)
    return dict(sorted(found.items()))


def recipe_problem(group: str, name: str, config_dir: Path | None, catalog: Catalog) -> Problem | None:
    """Why the recipe cannot be chosen, or None: there is none of that name, or more than one."""
    found = recipes(group, config_dir, catalog)
    if name not in found:
        broken = (f"; plugin {plugin.name!r} did not load: {plugin.error}" for plugin in catalog.broken())
        return Problem(group, f"no such {group}" + nearest(name, found) + "".join(broken), name)
    if dispute := catalog.dispute(group, name):
        return Problem(group, dispute, name, catalog.way_out(group, name))
    own = config_dir / group / f"{name}.yaml" if config_dir else None
    if own is not None and own.is_file() and own != found[name].path:
        return Problem(group, f"is both in {own} and in {found[name].owner}", name, "rename the first")
    return None


def search_path(config_dir: Path | None, catalog: Catalog | None = None) -> list[str]:
    """Words that make Hydra look into the folders of recipes: that of the user, and those of plugins."""
    plugins = (catalog or installed_catalog()).plugins.values()
    folders = [config_dir.resolve()] if config_dir else []
    folders += [folder for plugin in plugins for folder in plugin.recipes]
    return [f"hydra.searchpath={quoted([f'file://{folder}' for folder in folders])}"] if folders else []
