"""From command-line words to a validated config, through Hydra, with every mistake reported at once."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from copy import deepcopy
from dataclasses import replace
from pathlib import Path
from typing import Any

from pluglm.catalog import Catalog, installed_catalog
from pluglm.config.fitted_length import fit_sequence_length
from pluglm.config.overrides import Checked, check_overrides, plain
from pluglm.config.recipe_files import RecipeFile, recipe_files
from pluglm.config.recipe_search import recipes
from pluglm.config.run_config import RunConfig
from pluglm.config.swapped_parts import Changes, settle
from pluglm.config.tree import composed
from pluglm.config.validate import validate
from pluglm.config.words import KEY, as_text
from pluglm.errors import ConfigError, Problem
from pluglm.families import FAMILIES
from pluglm.recipes import GROUPS

CHANGEABLE = {"evaluate": ("evaluator", "data", "seed"), "compress": ("compressor", "evaluator")}
"""Sections of a finished run's config that a verb can change."""


def compose(overrides: Sequence[str] = (), config_dir: Path | None = None, catalog: Catalog | None = None) -> RunConfig:
    """The config that `overrides` (Hydra's grammar) make of the defaults.

    Args:
        config_dir: a folder whose groups and experiments are found beside the built-in ones.

    Raises:
        ConfigError: with every problem found, before any compute and without importing torch.
    """
    catalog = catalog or installed_catalog()
    checked = check_overrides(overrides, catalog, config_dir)
    known = {group: recipes(group, config_dir, catalog) for group in GROUPS}
    files = recipe_files(checked.recipes, known, catalog)
    problems = checked.problems + [problem for file in files for problem in file.problems]
    if not all(file.is_read for file in files):
        checked = replace(checked, words=_without_recipes(checked, files))

    def attempt(words: Sequence[str], changes: Changes) -> tuple[RunConfig | None, list[Problem]]:
        found: list[Problem] = []
        try:
            tree, found = composed([*words, *changes.words], checked.removed, config_dir, catalog)
            changes.apply(tree)
            config = validate(fit_sequence_length(tree, checked.words, catalog), catalog)
        except ConfigError as error:
            told = {problem.path for problem in found}
            return None, [*found, *(problem for problem in error.problems if problem.path not in told)]
        return (None, found) if found else (config, [])

    config, found = settle(checked, files, attempt)
    # What is wrong with a word or a file has been told; what follows from it is not told again.
    told = {problem.path for problem in problems}
    problems += [problem for problem in found if problem.path not in told]
    if config is None or problems:
        raise ConfigError(problems)
    return replace(config, notes=(*config.notes, *_unswept(files, checked)))


def _without_recipes(checked: Checked, files: Sequence[RecipeFile]) -> list[str]:
    """The words with what can be read of the recipes in their place, to find out what else is wrong."""
    said = [f"{family}={as_text(_plain(value))}" for file in files for family, (value, _) in file.choices.items()]
    for file in files:
        for key, text in file.texts.items():
            if KEY.fullmatch(key) and not key.startswith("hydra.") and "," not in text and text:
                said.append(f"++{key}={as_text(text)}")
    return said + [word for word in checked.words if word.partition("=")[0] not in GROUPS]


def _plain(value: Any) -> str:
    return "[" + ",".join(map(str, value)) + "]" if isinstance(value, list) else str(value)


def _unswept(files: Sequence[RecipeFile], checked: Checked) -> list[str]:
    """Recipes that sweep over what the words leave at one value."""
    notes = []
    for file in files:
        params = [key.removeprefix("hydra.sweeper.params.") for key in file.texts if ".sweeper.params." in key]
        if left := [key for key in params if key not in checked.keys]:
            recipe = f"{file.recipe.group}={file.recipe.name}"
            notes.append(f"{recipe} sweeps over {', '.join(left)}, and this is a single run: add -m to run them all")
    return notes


def from_resolved(tree: Mapping[str, Any], catalog: Catalog | None = None) -> RunConfig:
    """The config of an earlier run, from its `config.yaml`."""
    return validate(tree, catalog or installed_catalog())


def compose_over(config: RunConfig, overrides: Sequence[str], allowed: Sequence[str]) -> RunConfig:
    """`config` with the sections of `allowed` changed as `overrides` say, and all else as it is.

    Raises:
        ConfigError: for overrides of other sections, and all that `compose` refuses.
    """
    catalog = installed_catalog()
    checked = check_overrides(overrides, catalog, None)
    problems = list(checked.problems)
    for key in sorted(checked.keys):
        if key.partition(".")[0] not in allowed:
            problems.append(Problem(key, f"cannot be changed here; only {', '.join(allowed)} can"))
    if problems:
        raise ConfigError(problems)
    tree = deepcopy(dict(config.resolved))
    for override in checked.read:
        _override(tree, override, catalog)
    return from_resolved(tree, catalog)


def _override(tree: dict[str, Any], override: Any, catalog: Catalog) -> None:
    from pluglm.config.groups import defaults

    key = str(override.key_or_group)
    value = None if override.is_delete() else plain(override.value())
    if key not in FAMILIES:
        *path, last = key.split(".")
        node: Any = tree
        for part in path:
            if not isinstance(node.setdefault(part, {}), dict):
                raise ConfigError([Problem(key, f"{part} is a single value and has no keys", value)])
            node = node[part]
        if override.is_delete():
            node.pop(last, None)
        else:
            node[last] = value
        return
    names = [] if value is None else value if isinstance(value, list) else [value]
    nodes = {str(name): {"name": str(name)} | defaults(catalog.find(key, str(name))) for name in names}
    tree[key] = nodes if FAMILIES[key].many else nodes[str(names[0])]
