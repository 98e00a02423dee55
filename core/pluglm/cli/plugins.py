"""`pluglm plugins`: what is installed."""

from __future__ import annotations

import json
from typing import Any

from pluglm.catalog import installed_catalog
from pluglm.cli.flags import JSON
from pluglm.recipes import recipes_in
from pluglm.verbs import Arguments

FLAGS = JSON


def run(given: Arguments) -> int:
    """Lists plugins with their techniques, recipes, verbs and hooks, and why broken ones did not load."""
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
                "verbs": [verb for verb in catalog.verbs() if catalog.verb_owner(verb) is plugin],
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
    verbs = (f"pluglm {verb}" for verb in row["verbs"])
    what = ", ".join([*row["techniques"], *row["recipes"], *verbs, *row["hooks"]])
    said = f"DID NOT LOAD: {row['error']}" if row["error"] else what or "nothing"
    lines = [f"{row['name']} ({row['distribution']} {row['version']}): {said}"]
    return "\n".join([*lines, *(f"  {line}" for line in row["deprecated"])])
