"""Whether the names given for a family can be chosen."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Any

from pluglm.catalog import Catalog
from pluglm.errors import Problem
from pluglm.families import FAMILIES
from pluglm.suggestions import nearest


def choice_problems(family: str, value: Any, catalog: Catalog) -> Iterator[Problem]:
    """What is wrong with `value`, a name or a list of names, as the choice for `family`."""
    many = FAMILIES[family].many
    names = value if isinstance(value, list) else [value]
    if isinstance(value, list) and not many:
        first = next((str(name) for name in value if catalog.find(family, str(name))), None)
        example = first or next(iter(catalog.names(family)), "NAME")
        yield Problem(family, f"takes exactly one, such as {family}={example}", shown_list(value))
        return
    if isinstance(value, dict) or value is None:
        yield Problem(family, "takes the name of a technique" + nearest("", catalog.names(family)), value)
        return
    seen: set[str] = set()
    for name in map(str, names):
        if catalog.find(family, name) is None and not (name == "auto" and not many):
            yield Problem(family, unknown_technique(catalog, family, name), name)
        elif name in seen:
            hint = f"for a second use give it a label in a YAML file: {family}: {{again: {{name: {name}, ...}}}}"
            yield Problem(family, f"{name} is listed twice", shown_list(names), hint)
        seen.add(name)


def unknown_technique(catalog: Catalog, family: str, name: str) -> str:
    """Why `name` cannot be chosen: the nearest name, or where else it lives, or the broken plugin that may own it."""
    reason = f"no such {family}" + nearest(name, catalog.names(family))
    elsewhere = [other for other in FAMILIES if other != family and catalog.find(other, name)]
    if elsewhere:
        reason = f"no such {family}; {name} is a technique of {', '.join(elsewhere)}"
    for plugin in catalog.broken():
        reason += f"; plugin {plugin.name!r} did not load: {plugin.error}"
    return reason


def shown_list(names: Sequence[Any]) -> str:
    """`[a,b]`."""
    return "[" + ",".join(map(str, names)) + "]"
