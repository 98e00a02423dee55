"""The words of a command line, checked: what they choose, set and remove."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from pluglm.catalog import Catalog
from pluglm.config.choices import choice_problems, shown_list
from pluglm.config.hydra_keys import hydra_problem
from pluglm.config.key_search import roots, where_else
from pluglm.config.quoting import quoted
from pluglm.config.recipe_search import recipe_problem
from pluglm.config.sections import SETTINGS
from pluglm.config.words import read_words
from pluglm.errors import Problem
from pluglm.families import FAMILIES
from pluglm.recipes import GROUPS

MANY = "add -m to run them all: pluglm train -m ..."


@dataclass(slots=True)
class Checked:
    """`words`: those that Hydra is given. `removed`: keys that `~key` takes out. `keys`: all that the line chooses,
    sets or removes. `chosen`: the techniques that it names for a family. `recipes`: the recipe that it names for a
    group. `problems`: what is wrong with other words. `read`: Hydra's own form of those that are right."""

    words: list[str] = field(default_factory=list)
    removed: list[str] = field(default_factory=list)
    keys: set[str] = field(default_factory=set)
    chosen: dict[str, list[str]] = field(default_factory=dict)
    recipes: dict[str, str] = field(default_factory=dict)
    problems: list[Problem] = field(default_factory=list)
    read: list[Any] = field(default_factory=list)

    @property
    def swapped(self) -> set[str]:
        """The families for which the line chooses techniques."""
        return set(self.chosen)

    def sets(self, path: str) -> bool:
        """Whether the line says something of `path`, of what it is part of, or of a part of it. What it chooses for a
        family says nothing of the parameters."""
        family, _, label = path.partition(".")
        if label in self.chosen.get(family, ()):
            return True
        parts = [key for key in self.keys if key not in self.chosen]
        return path in self.keys or any(f"{key}.".startswith(f"{path}.") or path.startswith(f"{key}.") for key in parts)


def check_overrides(overrides: Sequence[str], catalog: Catalog, config_dir: Path | None) -> Checked:
    """Mistakes that Hydra would stop at one by one, or swallow (`[x,x]`), and the overrides that are free of them."""
    checked = Checked()
    read, problems = read_words(overrides, catalog)
    checked.problems += problems
    for override in read:
        key = str(override.key_or_group)
        found = list(_check(override, key, catalog, config_dir))
        checked.problems += found
        if found:
            continue
        if override.is_delete() and key not in (*FAMILIES, *GROUPS):
            checked.removed.append(key)
        elif key in FAMILIES or key in GROUPS:
            checked.words.append(str(override.input_line).lstrip("+"))
            if key in FAMILIES:
                value = [] if override.is_delete() else override.value()
                checked.chosen[key] = [str(name) for name in (value if isinstance(value, list) else [value])]
            else:
                checked.recipes.pop(key, None)
                if not override.is_delete() and override.value() is not None:
                    checked.recipes[key] = str(override.value())
        else:
            # Added where it is not there yet: validation says more about a key that should not be than Hydra does.
            checked.words.append("++" + str(override.input_line).lstrip("+"))
        checked.keys.add(key)
        checked.read.append(override)
    return checked


def plain(value: Any) -> Any:
    """The value of an override as plain data: what was in quotes is text."""
    if isinstance(value, list):
        return [plain(item) for item in value]
    if isinstance(value, dict):
        return {str(plain(key)): plain(item) for key, item in value.items()}
    return value if isinstance(value, bool | int | float | str | None) else str(getattr(value, "text", value))


def _check(override: Any, key: str, catalog: Catalog, config_dir: Path | None) -> Iterator[Problem]:
    if override.package is not None:
        yield Problem(f"{key}@{override.package}", "where a choice goes is not set", hint=f"write {key}=NAME")
    elif override.is_sweep_override():
        yield Problem(key, "names several values", _given(override), _several(key, _given(override)))
    elif override.is_delete():
        yield from _check_removal(override, key, catalog)
    elif override.is_add() and not override.is_force_add() and key in FAMILIES:
        hint = f"write the whole list: {key}=[...]" if FAMILIES[key].many else f"write {key}={_given(override)}"
        yield Problem(f"+{key}", "is chosen already", _given(override), hint)
    else:
        yield from _check_key(key, override.value(), catalog, config_dir)


def _given(override: Any) -> str:
    return str(override.input_line).partition("=")[2]


def _several(key: str, value: str) -> str:
    if key in FAMILIES and FAMILIES[key].many:
        return f"a list is written '{key}=[{value}]'; for a run of each {MANY}"
    text = "" if key in FAMILIES else f'; in quotes it is one text: "{key}={quoted(value)}"'
    return MANY + text


def _check_removal(override: Any, key: str, catalog: Catalog) -> Iterator[Problem]:
    root = key.replace("/", ".").split(".")[0]
    if root not in roots():
        yield Problem(f"~{key}", "no such key" + where_else(key, catalog))
    elif key in FAMILIES and not FAMILIES[key].many:
        reason = f"takes out the {key}, of which a run needs one"
        yield Problem(f"~{key}", reason, hint=f"leave it away, or choose another: {key}=NAME")
    elif key in FAMILIES and override.value() is not None:
        names = override.value() if isinstance(override.value(), list) else [override.value()]
        hint = "write " + " ".join(f"~{key}.{name}" for name in names)
        yield Problem(f"~{key}", "takes out a whole list, not some of it", shown_list(names), hint)
    elif key in FAMILIES and FAMILIES[key].needed:
        yield Problem(f"~{key}", f"takes out every {key}, of which a run needs one", hint=f"write {key}=[NAME]")
    elif key in ("name", "seed"):
        yield Problem(f"~{key}", f"takes out the {key}, which a run needs", hint=f"write {key}=VALUE")


def _check_key(key: str, value: Any, catalog: Catalog, config_dir: Path | None) -> Iterator[Problem]:
    root = key.replace("/", ".").split(".")[0]
    if root == "hydra":
        if problem := hydra_problem(key, value, in_sweep=False):
            yield problem
    elif root not in roots():
        yield Problem(key, "no such key" + where_else(key, catalog), value)
    elif key in FAMILIES:
        yield from choice_problems(key, value, catalog)
    elif key in SETTINGS and key not in GROUPS:
        fields = ", ".join(f"{key}.{name}" for name in SETTINGS[key].model_fields)
        yield Problem(key, f"is a group of settings; set one of {fields}", value)
    elif key in GROUPS and value is not None:
        if problem := recipe_problem(key, str(value), config_dir, catalog):
            yield problem
    elif key.startswith(("seed.", "name.", "experiment.")):
        yield Problem(key, f"{root} is a single value and has no keys", value)
    elif "/" in key:
        yield Problem(key, "parts of a key are joined by dots", value, f"write {key.replace('/', '.')}=...")
