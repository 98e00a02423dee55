"""`pluglm show FAMILY=NAME`: everything about one technique or recipe."""

from __future__ import annotations

import json
from collections.abc import Iterator
from typing import Any

from pluglm.catalog import installed_catalog
from pluglm.cli.description import describe, describe_recipe
from pluglm.cli.flags import JSON
from pluglm.config.choices import unknown_technique
from pluglm.config.recipe_search import recipe_problem
from pluglm.errors import ConfigError, Problem
from pluglm.families import FAMILIES
from pluglm.recipes import GROUPS, Recipe
from pluglm.suggestions import nearest
from pluglm.technique import Technique
from pluglm.verbs import Arguments

FLAGS = JSON


def run(given: Arguments) -> int:
    """Shows a technique's interface, parameters, documentation, source and owner; or a recipe (experiment=NAME)."""
    if not given.words:
        raise ConfigError([Problem("show", "takes FAMILY=NAME or NAME", hint="pluglm list shows them")])
    for word in given.words:
        found = _find(word)
        described = describe_recipe(found) if isinstance(found, Recipe) else describe(found)
        shown = recipe_text(described) if isinstance(found, Recipe) else text(described)
        print(json.dumps(described, indent=1, default=str) if "json" in given.flags else shown)
    return 0


def candidates() -> Iterator[str]:
    """What there is, and the beginnings of its names."""
    catalog = installed_catalog()
    yield from (f"{technique.family}={technique.name}" for technique in catalog)
    yield from (f"{group}={name}" for group in GROUPS for name in catalog.recipes(group))
    yield from (f"{family}=" for family in FAMILIES)


def _find(word: str) -> type[Technique] | Recipe:
    family, _, name = word.partition("=")
    catalog = installed_catalog()
    groups = {group: catalog.recipes(group) for group in GROUPS}
    if not name and family not in (*FAMILIES, *groups):
        homes = [home for home in FAMILIES if family in catalog.names(home)]
        homes += [group for group in groups if family in groups[group]]
        if len(homes) > 1:
            hint = "say which: " + ", ".join(f"{home}={family}" for home in homes)
            raise ConfigError([Problem(family, "is a name of several", hint=hint)])
        if not homes:
            known = [*FAMILIES, *(known for home in FAMILIES for known in catalog.names(home))]
            raise ConfigError([Problem(family, "no such technique" + nearest(family, known))])
        family, name = homes[0], family
    if not name:
        raise ConfigError([Problem(family, "is a family", hint=f"pluglm list {family} shows what there is")])
    if family in groups:
        if problem := recipe_problem(family, name, None, catalog):
            raise ConfigError([problem])
        return groups[family][name]
    if family not in FAMILIES:
        raise ConfigError([Problem(family, "no such family" + nearest(family, FAMILIES))])
    technique = catalog.find(family, name)
    if technique is None:
        raise ConfigError([Problem(family, unknown_technique(catalog, family, name), name)])
    return technique


def recipe_text(described: dict[str, Any]) -> str:
    """The recipe for a person."""
    head = f"{described['group']}={described['name']}"
    return f"{head}\n\n{described['text'].strip()}\n\nOwner:  {described['owner']}\nSource: {described['source']}"


def text(described: dict[str, Any]) -> str:
    """The description for a person."""
    head = [f"{described['family']}={described['name']}", ""]
    if described["deprecated"]:
        head += [f"Deprecated: {described['deprecated']}", ""]
    lines = [*head, described["docs"], "", "Parameters:"]
    for field in described["parameters"]:
        limits = f" ({', '.join(field['constraints'])})" if field["constraints"] else ""
        lines.append(f"  {field['name']}: {field['type']} = {field['default']}{limits}")
        lines.append(f"      {field['description']}")
        if field["deprecated"]:
            lines.append(f"      Deprecated: {field['deprecated']}")
    defined = [method for method in described["interface"] if method["defined"]]
    lines += ["", "Interface:"]
    for method in defined:
        lines += [f"  {method['signature']}", f"      {method['about']}"]
    inherited = [method["name"] for method in described["interface"] if not method["defined"]]
    if inherited:
        lines.append(f"  as its family does: {', '.join(inherited)}")
    for name, value in described["class_variables"].items():
        lines.append(f"  {name} = {', '.join(value) or 'none' if isinstance(value, list) else value}")
    if described["acts_at"]:
        lines += ["", f"Acts at: {', '.join(described['acts_at'])}"]
    for family, name in described["suggests"].items():
        lines += ["", f"Suggests {family}={name}"]
    for module, brought in described["requires"].items():
        lines += ["", f"Needs {module}: pip install '{brought}'"]
    if described["dispute"]:
        lines += ["", f"Cannot be chosen: it {described['dispute']}"]
    ends = [f"Owner:    {described['owner']}", f"Source:   {described['source']}", f"Contract: {described['contract']}"]
    return "\n".join([*lines, "", *ends])
