"""`pluglm show FAMILY=NAME`: everything about one technique."""

from __future__ import annotations

import inspect
import json
from typing import Any

from pluglm.catalog import installed_catalog, nearest
from pluglm.cli.flags import JSON, parse, usage, wants_help
from pluglm.config.validate import unknown_technique
from pluglm.errors import ConfigError, Problem
from pluglm.families import FAMILIES
from pluglm.technique import Technique, parameters

FLAGS = JSON


def run(arguments: list[str]) -> int:
    """Show each technique named."""
    if wants_help(arguments):
        print(
            usage("show FAMILY=NAME", "Shows a technique's parameters, documentation, source and owner.", FLAGS), end=""
        )
        return 0
    given = parse(arguments, FLAGS)
    if not given.words:
        raise ConfigError([Problem("show", "takes FAMILY=NAME or NAME", hint="pluglm list shows them")])
    for word in given.words:
        described = describe(_find(word))
        print(json.dumps(described, indent=1, default=str) if "json" in given.flags else text(described))
    return 0


def _find(word: str) -> type[Technique]:
    family, _, name = word.partition("=")
    catalog = installed_catalog()
    if not name and family not in FAMILIES:
        homes = [home for home in FAMILIES if family in catalog.names(home)]
        if len(homes) > 1:
            hint = "say which: " + ", ".join(f"{home}={family}" for home in homes)
            raise ConfigError([Problem(family, "is a technique of several families", hint=hint)])
        if not homes:
            known = [*FAMILIES, *(known for home in FAMILIES for known in catalog.names(home))]
            raise ConfigError([Problem(family, "no such technique" + nearest(family, known))])
        family, name = homes[0], family
    if not name:
        raise ConfigError([Problem(family, "is a family", hint=f"pluglm list {family} shows its techniques")])
    if family not in FAMILIES:
        raise ConfigError([Problem(family, "no such family" + nearest(family, FAMILIES))])
    technique = catalog.find(family, name)
    if technique is None:
        raise ConfigError([Problem(family, unknown_technique(catalog, family, name), name)])
    return technique


def describe(technique: type[Technique]) -> dict[str, Any]:
    """Plain data about a technique."""
    plugin = installed_catalog().owner(technique)
    moments = getattr(technique, "moments", None)
    return {
        "family": technique.family,
        "name": technique.name,
        "docs": inspect.cleandoc(technique.__doc__ or ""),
        "parameters": [
            {
                "name": name,
                "type": _type(field.annotation),
                "default": "required" if field.is_required() else field.get_default(call_default_factory=True),
                "constraints": [limit for item in field.metadata for limit in _limits(item)],
                "description": field.description or "",
            }
            for name, field in parameters(technique)
        ],
        "acts_at": sorted(moments()) if moments else [],
        "suggests": technique.suggests,
        "requires": technique.requires,
        "owner": f"{plugin.distribution} {plugin.version}",
        "source": inspect.getsourcefile(technique),
    }


def _limits(item: object) -> list[str]:
    signs = {"ge": ">=", "gt": ">", "le": "<=", "lt": "<", "multiple_of": "multiple of"}
    signs |= {"min_length": "length >=", "max_length": "length <=", "pattern": "matches"}
    return [f"{sign} {getattr(item, name)}" for name, sign in signs.items() if getattr(item, name, None) is not None]


def _type(annotation: Any) -> str:
    return annotation.__name__ if inspect.isclass(annotation) else str(annotation).replace("typing.", "")


def text(described: dict[str, Any]) -> str:
    """The description for a person."""
    lines = [f"{described['family']}={described['name']}", "", described["docs"], "", "Parameters:"]
    for field in described["parameters"]:
        limits = f" ({', '.join(field['constraints'])})" if field["constraints"] else ""
        lines.append(f"  {field['name']}: {field['type']} = {field['default']}{limits}")
        lines.append(f"      {field['description']}")
    if described["acts_at"]:
        lines += ["", f"Acts at: {', '.join(described['acts_at'])}"]
    for module, brought in described["requires"].items():
        lines += ["", f"Needs {module}: pip install '{brought}'"]
    return "\n".join([*lines, "", f"Owner:  {described['owner']}", f"Source: {described['source']}"])
