"""A technique or a recipe as plain data, read off its class or file."""

from __future__ import annotations

import inspect
import types
from typing import Annotated, Any, Literal, Union, get_args, get_origin

from pluglm.catalog import installed_catalog
from pluglm.families import FAMILIES
from pluglm.recipes import Recipe
from pluglm.technique import Technique, parameters


def describe_recipe(recipe: Recipe) -> dict[str, Any]:
    """Plain data about a recipe."""
    said = recipe.path.read_text(encoding="utf-8")
    return {
        "group": recipe.group,
        "name": recipe.name,
        "about": recipe.about(),
        "text": said,
        "owner": recipe.owner,
        "source": str(recipe.path),
    }


def describe(technique: type[Technique]) -> dict[str, Any]:
    """Plain data about a technique."""
    plugin = installed_catalog().owner(technique)
    moments = getattr(technique, "moments", None)
    return {
        "family": technique.family,
        "name": technique.name,
        "deprecated": technique.deprecated or False,
        "docs": inspect.cleandoc(technique.__doc__ or ""),
        "interface": interface(technique),
        "parameters": [
            {
                "name": name,
                "type": _type(field.annotation),
                "default": "required" if field.is_required() else field.get_default(call_default_factory=True),
                "constraints": [limit for item in field.metadata for limit in _limits(item)],
                "description": field.description or "",
                "deprecated": field.deprecated or False,
            }
            for name, field in parameters(technique)
        ],
        "acts_at": sorted(moments()) if moments else [],
        "class_variables": class_variables(technique),
        "suggests": technique.suggests,
        "requires": technique.requires,
        "owner": f"{plugin.distribution} {plugin.version}",
        "plugin": plugin.name,
        "dispute": installed_catalog().dispute(technique.family, technique.name),
        "source": _source(technique),
        "contract": _source(_contract(technique)),
    }


def interface(technique: type[Technique]) -> list[dict[str, Any]]:
    """The methods of its family's contract, those that it defines first: signature, the first sentence of what the
    contract says of it, whether the technique (or a class it derives from within the family) defines it, and whether
    every technique of the family must."""
    base = _contract(technique)
    methods = []
    for name, contract in inspect.getmembers(base, inspect.isfunction):
        if name.startswith("_") or contract.__module__.partition(".")[0] != "pluglm":
            continue
        signature = str(inspect.signature(contract)).replace("'", "").replace("(self, ", "(").replace("(self)", "()")
        methods.append(
            {
                "name": name,
                "signature": name + signature,
                "about": _first_sentence(inspect.getdoc(contract) or ""),
                "defined": getattr(technique, name) is not contract,
                "required": name in base.__abstractmethods__,
            }
        )
    return sorted(methods, key=lambda method: (not method["defined"], not method["required"], method["name"]))


def _contract(technique: type[Technique]) -> type[Technique]:
    spec = FAMILIES[technique.family]
    return spec.contract(technique) or spec.base


def class_variables(technique: type[Technique]) -> dict[str, Any]:
    """What else its family's contract asks of a class: `head`, `packs`, `works_with_cut` and the like."""
    told = {"family", "name", "suggests", "requires", "deprecated"}
    names = [name for base in technique.__mro__ if issubclass(base, Technique) for name in base.__class_vars__]
    chosen = {name: getattr(technique, name) for name in names if hasattr(technique, name) and name not in told}
    return {
        name: sorted(value) if isinstance(value, frozenset) else value
        for name, value in sorted(chosen.items())
        if not name.startswith("_") and not callable(value)
    }


def _first_sentence(docs: str) -> str:
    return " ".join(docs.split("\n\n")[0].split()).partition(". ")[0].rstrip(".") + "."


def _source(kind: type) -> str:
    return f"{inspect.getsourcefile(kind)}:{inspect.getsourcelines(kind)[1]}"


def _limits(item: object) -> list[str]:
    signs = {"ge": ">=", "gt": ">", "le": "<=", "lt": "<", "multiple_of": "multiple of"}
    signs |= {"min_length": "length >=", "max_length": "length <=", "pattern": "matches"}
    return [f"{sign} {getattr(item, name)}" for name, sign in signs.items() if getattr(item, name, None) is not None]


def _type(annotation: Any) -> str:
    """The type as one would write it, without the constraints that are told beside it."""
    if get_origin(annotation) is Annotated:
        kind, *metadata = get_args(annotation)
        limits = [
            limit for field in metadata for item in getattr(field, "metadata", [field]) for limit in _limits(item)
        ]
        return _type(kind) + (f" ({', '.join(limits)})" if limits else "")
    if get_origin(annotation) in (Union, types.UnionType):
        return " | ".join(map(_type, get_args(annotation)))
    if get_origin(annotation) is Literal:
        return " | ".join(map(repr, get_args(annotation)))
    if get_origin(annotation) is not None:
        inner = ", ".join("..." if part is ... else _type(part) for part in get_args(annotation))
        return f"{_type(get_origin(annotation))}[{inner}]"
    if annotation is type(None):
        return "None"
    return annotation.__name__ if inspect.isclass(annotation) else str(annotation).replace("typing.", "")
