"""`pluglm plugins`: what is installed."""

from __future__ import annotations

import json
from typing import Any

from pluglm.catalog import installed_catalog
from pluglm.cli.flags import JSON, parse, usage, wants_help
from pluglm.recipes import recipes_in

FLAGS = JSON


def run(arguments: list[str]) -> int:
    """List plugins; exit code 1 where one is broken."""
    if wants_help(arguments):
        print(usage("plugins", "Lists plugins with their techniques, and why broken ones did not load.", FLAGS), end="")
        return 0
    given = parse(arguments, FLAGS)
    catalog = installed_catalog()
    rows = []
    for plugin in catalog.plugins.values():
        names = [f"{t.family}={t.name}" for t in catalog if catalog.owner(t).name == plugin.name]
        brought = [f"{r.group}={r.name}" for folder in plugin.recipes for r in recipes_in(folder, plugin.distribution)]
        rows.append(
            {
                "name": plugin.name,
                "distribution": plugin.distribution,
                "version": plugin.version,
                "techniques": names,
                "recipes": brought,
                "hooks": [] if plugin.error else catalog.observes(plugin),
                "deprecated": list(plugin.deprecated),
                "error": plugin.error,
            }
        )
    if "json" in given.flags:
        print(json.dumps(rows, indent=1))
    else:
        print("\n".join(map(_text, rows)))
    return 1 if catalog.broken() else 0


def _text(row: dict[str, Any]) -> str:
    what = ", ".join([*row["techniques"], *row["recipes"], *row["hooks"]])
    said = f"DID NOT LOAD: {row['error']}" if row["error"] else what or "nothing"
    lines = [f"{row['name']} ({row['distribution']} {row['version']}): {said}"]
    return "\n".join([*lines, *(f"  {line}" for line in row["deprecated"])])
