"""`pluglm plugins`: what is installed."""

from __future__ import annotations

import json

from pluglm.catalog import installed_catalog
from pluglm.cli.flags import JSON, parse, usage, wants_help

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
        rows.append(
            {
                "name": plugin.name,
                "distribution": plugin.distribution,
                "version": plugin.version,
                "techniques": names,
                "error": plugin.error,
            }
        )
    if "json" in given.flags:
        print(json.dumps(rows, indent=1))
    else:
        for row in rows:
            said = f"DID NOT LOAD: {row['error']}" if row["error"] else ", ".join(row["techniques"]) or "hooks only"  # type: ignore[arg-type]
            print(f"{row['name']} ({row['distribution']} {row['version']}): {said}")
    return 1 if catalog.broken() else 0
