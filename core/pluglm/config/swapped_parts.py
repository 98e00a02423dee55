"""What a recipe sets for a part that is swapped away falls away, and whoever runs it is told."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from functools import cache
from typing import Any

from pluglm.config.overrides import Checked
from pluglm.config.recipe_files import RecipeFile
from pluglm.config.run_config import RunConfig
from pluglm.errors import Problem
from pluglm.families import FAMILIES

ROUNDS = 12
"""More changes than this in one after the other would mean that they undo each other."""


@dataclass(slots=True)
class Changes:
    """What is otherwise than the recipes say. `words`: choices in their place; `out`: keys that are taken out;
    `values`: values that fit where nobody set one; `notes`: a line about each."""

    words: list[str] = field(default_factory=list)
    out: list[str] = field(default_factory=list)
    values: dict[str, Any] = field(default_factory=dict)
    notes: list[str] = field(default_factory=list)

    def apply(self, tree: dict[str, Any]) -> None:
        """Change the composed tree."""
        for key in self.out:
            _change(tree, key.split("."), None)
        for key, value in self.values.items():
            _change(tree, key.split("."), value)


Attempt = Callable[[Sequence[str], Changes], tuple[RunConfig | None, list[Problem]]]
"""Composes and validates words under changes; the config, or what is wrong."""


def settle(checked: Checked, files: Sequence[RecipeFile], attempt: Attempt) -> tuple[RunConfig | None, list[Problem]]:
    """The config of the words with its notes, or what is wrong with them: with the line of a recipe that says it.

    A problem with what a recipe sets, that is not there without the techniques which the line chooses, is solved by
    taking out what the recipe sets.
    """
    changes, without = Changes(), None
    for _ in range(ROUNDS):
        config, problems = attempt(checked.words, changes)
        if config is not None:
            return replace(config, notes=tuple(changes.notes)), []
        before = len(changes.notes)
        _take_fitting(problems, checked, files, changes)
        theirs = [problem for problem in problems if origin(problem.path, checked, files)]
        if theirs and (checked.swapped or len(files) > 1):
            if without is None:
                without = _without_swaps(checked, files, attempt)
            for problem in theirs:
                if problem.path not in without:
                    _fall(problem, files, changes)
        if len(changes.notes) == before:
            break
    return None, [_placed(problem, checked, files) for problem in problems]


def origin(path: str, checked: Checked, files: Sequence[RecipeFile]) -> RecipeFile | None:
    """The recipe that says what `path` is, where the line does not."""
    family, _, label = path.partition(".")
    if checked.sets(path):
        return None
    for file in reversed(files):
        if any(key == path or key.startswith(path + ".") for key in file.lines):
            return file
        if any(path.startswith(key + ".") for key in file.texts):
            return file
        if family in file.choices and family not in checked.keys and (not label or label in _names(file, family)):
            return file
    return None


def _names(file: RecipeFile, family: str) -> list[str]:
    value = file.choices[family][0] if family in file.choices else []
    return value if isinstance(value, list) else [str(value)]


def _without_swaps(checked: Checked, files: Sequence[RecipeFile], attempt: Attempt) -> set[str]:
    """The keys of what is wrong with each recipe by itself, and with what else the line sets."""
    values = [word for word in checked.words if _root(word) not in {*checked.swapped, "experiment", "sweep"}]
    recipes = [word for word in checked.words if _root(word) in ("experiment", "sweep")]
    wrong: set[str] = set()
    for recipe in recipes:
        wrong |= {problem.path for problem in attempt([recipe, *values], Changes())[1]}
    return wrong


def _root(word: str) -> str:
    return word.lstrip("+~").partition("=")[0].partition(".")[0]


def _take_fitting(problems: Sequence[Problem], checked: Checked, files: Sequence[RecipeFile], changes: Changes) -> None:
    for problem in problems:
        if problem.instead is not None and not checked.sets(problem.path) and problem.path not in changes.values:
            changes.values[problem.path] = problem.instead
            changes.notes.append(f"{problem.path}={problem.instead}, since {problem.value} {problem.reason}")


def _fall(problem: Problem, files: Sequence[RecipeFile], changes: Changes) -> None:
    path, reason = problem.path, problem.reason.split("; ")[0]
    family, _, label = path.partition(".")
    if path in changes.values:
        return
    for file in files:
        recipe = f"{file.recipe.group}={file.recipe.name}"
        if path in FAMILIES and not FAMILIES[path].many and path in file.choices:
            default = default_choices().get(path, "auto")
            changes.words.append(f"{path}={default}")
            changes.notes.append(f"{recipe}: {path}={file.choices[path][0]} falls away ({reason}): {path}={default}")
            return
        own = [key for key in file.texts if f"{key}.".startswith(f"{path}.") or path.startswith(f"{key}.")]
        changes.notes += [f"{recipe}: {key}={file.texts[key]} falls away ({reason})" for key in own]
        if not own and family in file.choices and label in _names(file, family):
            changes.notes.append(f"{recipe}: {family}=[{label}] falls away ({reason})")
            own = [path]
        if own:
            changes.out.append(path)


def _change(tree: dict[str, Any], path: Sequence[str], value: Any) -> None:
    """Set a value in nested dictionaries, or take it out where it is None."""
    node: Any = tree
    for part in path[:-1]:
        node = node.get(part) if isinstance(node, dict) else None
    if not isinstance(node, dict):
        return
    if value is None:
        node.pop(path[-1], None)
    else:
        node[path[-1]] = value


def _placed(problem: Problem, checked: Checked, files: Sequence[RecipeFile]) -> Problem:
    """The problem with the file and line of what it is about, where a recipe says it."""
    file = origin(problem.path, checked, files)
    if file is None or problem.where:
        return problem
    path = problem.path
    line = file.lines.get(path) or next((n for key, n in file.lines.items() if key.startswith(path + ".")), None)
    line = line or next((n for key, n in file.lines.items() if path.startswith(key + ".") and key in file.texts), None)
    family = path.partition(".")[0]
    line = line or (file.choices[family][1] if family in file.choices else 1)
    return replace(problem, where=f"{file.recipe.path}:{line}")


@cache
def default_choices() -> Mapping[str, Any]:
    """What the built-in config chooses for each family."""
    from importlib.resources import files

    import yaml

    defaults = yaml.safe_load(files("pluglm.conf").joinpath("config.yaml").read_text(encoding="utf-8"))["defaults"]
    return {key: value for entry in defaults if isinstance(entry, dict) for key, value in entry.items()}
