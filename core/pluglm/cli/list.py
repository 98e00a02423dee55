"""`pluglm list`: the techniques, or the recipes of a group."""

from __future__ import annotations

import json

from pluglm.catalog import installed_catalog
from pluglm.cli.flags import JSON
from pluglm.errors import ConfigError, Problem
from pluglm.families import FAMILIES
from pluglm.recipes import GROUPS
from pluglm.suggestions import nearest
from pluglm.verbs import Arguments, Flag

FLAGS = JSON | {"--markdown": Flag("print a table in Markdown")}


def run(given: Arguments) -> int:
    """Lists techniques with their first sentence of documentation, or the recipes of a group."""
    known = candidates()
    unknown = [word for word in given.words if word not in known]
    if unknown:
        raise ConfigError([Problem(word, "no such family" + nearest(word, known)) for word in unknown])
    if {"json", "markdown"} <= set(given.flags):
        raise ConfigError([Problem("--markdown", "cannot be printed together with --json")])
    catalog = installed_catalog()
    rows = []
    for family in given.words or FAMILIES:
        for name in catalog.names(family):
            technique = catalog.find(family, name)
            assert technique is not None
            plugin = catalog.owner(technique)
            about = f"Deprecated: {technique.deprecated}. " if technique.deprecated else ""
            about += technique.about()
            rows.append({"family": family, "name": name, "about": about, "distribution": plugin.distribution})
        for name, recipe in catalog.recipes(family).items():
            rows.append({"family": family, "name": name, "about": recipe.about(), "distribution": recipe.owner})
    if "json" in given.flags:
        print(json.dumps(rows, indent=1))
        return 0
    if "markdown" in given.flags:
        print(table(rows))
        return 0
    last = ""
    for row in rows:
        if row["family"] != last:
            print(row["family"])
            last = row["family"]
        origin = "" if row["distribution"] == "pluglm" else f"  [{row['distribution']}]"
        print(f"  {row['name']:<20} {row['about']}{origin}")
    for plugin in catalog.broken():
        print(f"\nplugin {plugin.name!r} did not load: {plugin.error}")
    return 0


def candidates() -> list[str]:
    """Families and groups."""
    return [*FAMILIES, *GROUPS]


def epilog() -> str:
    """Their names."""
    return f"Families: {', '.join(FAMILIES)}\nGroups: {', '.join(GROUPS)}\n"


def table(rows: list[dict[str, str]]) -> str:
    """The rows in Markdown, a technique a line."""
    lines = ["| family | technique | what it does |", "|---|---|---|"]
    last = ""
    for row in rows:
        family = "" if row["family"] == last else f"**{row['family']}**"
        last = row["family"]
        lines.append(f"| {family} | `{row['name']}` | {row['about'].replace('|', chr(92) + '|')} |")
    return "\n".join(lines)
