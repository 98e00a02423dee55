"""From composed plain data to a validated `RunConfig`, or to every problem in it."""

from __future__ import annotations

import types
from collections.abc import Iterator, Mapping
from dataclasses import replace
from typing import Any, TypeVar, Union, get_args, get_origin

from pydantic import BaseModel, ValidationError

from pluglm.catalog import Catalog
from pluglm.config.choices import unknown_technique
from pluglm.config.key_search import elsewhere, where_else
from pluglm.config.problems import cross_problems
from pluglm.config.run_config import RunConfig
from pluglm.config.sections import SCALARS, SETTINGS
from pluglm.config.value_problems import too_large, value_problems
from pluglm.errors import ConfigError, Problem
from pluglm.families import FAMILIES, Source
from pluglm.suggestions import nearest
from pluglm.technique import Technique

M = TypeVar("M", bound=BaseModel)


def validate(tree: Mapping[str, Any], catalog: Catalog) -> RunConfig:
    """The validated config.

    A part with a wrong value is replaced by its defaults for as long as the others are checked against it.

    Raises:
        ConfigError: with every problem found.
    """
    problems = list(_unknown_keys(tree, catalog))
    values: dict[str, Any] = {}
    values["name"] = _name(tree.get("name"), problems)
    values["seed"] = _seed(tree.get("seed"), problems)
    for section, settings in SETTINGS.items():
        values[section] = _build(settings, section, _node(tree, section), problems, catalog)
    for family, spec in FAMILIES.items():
        node = tree.get(family)
        if spec.many:
            values[family] = _many(catalog, family, node, problems)
        else:
            values[family] = _technique(catalog, family, family, node, problems)
    if any(value is None or (isinstance(value, dict) and None in value.values()) for value in values.values()):
        raise ConfigError(problems)
    config = RunConfig(**values, resolved=_resolved(values))
    config = replace(config, source=_offering(config))
    # What is wrong by itself has been told; the others are still asked what they make of this run.
    wrong = [problem.path for problem in problems]
    for path, technique in config.techniques():
        for module, brought in technique.missing().items():
            problems.append(Problem(path, f"needs {module}, which is not installed", hint=f"pip install '{brought}'"))
        if not any(f"{other}.".startswith(f"{path}.") for other in wrong):
            problems += technique.problems(config)
    problems += cross_problems(config)
    if problems:
        raise ConfigError(problems)
    return config


def _offering(config: RunConfig) -> dict[str, Source]:
    """The sources, asked for the document fields that the objective and the interventions need."""
    needed = [*config.objective.required_fields()]
    needed += [name for technique in config.interventions().values() for name in technique.columns()]
    fields = [name for name in dict.fromkeys(needed) if name != "text"]
    return {label: source.offering(fields) for label, source in config.source.items()}


def _resolved(values: Mapping[str, Any]) -> dict[str, Any]:
    def plain(value: Any) -> Any:
        if isinstance(value, Technique):
            return {"name": value.name} | value.model_dump(mode="json")
        if isinstance(value, BaseModel):
            return value.model_dump(mode="json")
        if isinstance(value, dict):
            return {key: plain(item) for key, item in value.items()}
        return value

    return {key: plain(value) for key, value in values.items()}


def _a(family: str) -> str:
    return f"an {family}" if family[0] in "aeo" else f"a {family}"


def _node(tree: Mapping[str, Any], section: str) -> Any:
    return {} if tree.get(section) is None else tree[section]


def _unknown_keys(tree: Mapping[str, Any], catalog: Catalog) -> Iterator[Problem]:
    known = [*SCALARS, *SETTINGS, *FAMILIES]
    for key in tree:
        if key not in known:
            yield Problem(str(key), "no such key" + where_else(str(key), catalog))


def _name(value: Any, problems: list[Problem]) -> str:
    if isinstance(value, int) and not isinstance(value, bool):
        return str(value)
    if not isinstance(value, str) or not value or "/" in value or value.startswith("."):
        problems.append(Problem("name", "must be a word that can be part of a folder name", value))
    return str(value)


def _seed(value: Any, problems: list[Problem]) -> int:
    if not isinstance(value, int) or isinstance(value, bool) or not 0 <= value < 2**32:
        problems.append(Problem("seed", "must be a whole number from 0 to 4294967295", value))
        return 0
    return value


def _many(catalog: Catalog, family: str, node: Any, problems: list[Problem]) -> dict[str, Technique | None]:
    if node is None:
        node = {}
    if not isinstance(node, Mapping):
        problems.append(Problem(family, f"must be a list of techniques, such as {family}=[a,b]", node))
        return {}
    if FAMILIES[family].needed and not node:
        problems.append(Problem(family, "at least one is needed" + nearest("", catalog.names(family))))
    return {
        str(label): _technique(catalog, family, f"{family}.{label}", value, problems) for label, value in node.items()
    }


def _technique(catalog: Catalog, family: str, path: str, node: Any, problems: list[Problem]) -> Technique | None:
    label = path.rpartition(".")[2]
    if not isinstance(node, Mapping):
        found = [key for key in elsewhere(path, catalog) if key.startswith(f"{family}.")]
        hint = f"did you mean {' or '.join(found)}?" if found and FAMILIES[family].many else ""
        if isinstance(node, str) and not FAMILIES[family].many:
            hint = f"in a recipe it is chosen in the defaults list: - override /{family}: {node}"
        problems.append(Problem(path, f"must be a mapping with the name of {_a(family)}", node, hint))
        return None
    values = dict(node)
    if "name" not in values:
        if not FAMILIES[family].many:
            problems.append(Problem(path, f"no {family} is chosen" + nearest("", catalog.names(family))))
        elif catalog.find(family, label):
            problems.append(
                Problem(path, f"{label} is not among the {family}s of this run", hint=f"add it: {family}=[...,{label}]")
            )
        else:
            hint = nearest(label, catalog.names(family)).lstrip("; ")
            problems.append(Problem(path, f"no {family} is named {label!r}", hint=hint))
        return None
    name = str(values.pop("name"))
    technique = catalog.find(family, name)
    if technique is None:
        problems.append(Problem(path, unknown_technique(catalog, family, name), name))
        return None
    if dispute := catalog.dispute(family, name):
        problems.append(Problem(path, dispute, name, catalog.way_out(family, name)))
        return None
    return _build(technique, path, values, problems, catalog)


def _build(model: type[M], path: str, values: Mapping[str, Any], problems: list[Problem], catalog: Catalog) -> M | None:
    if not isinstance(values, Mapping):
        problems.append(Problem(path, f"must be a mapping of {', '.join(model.model_fields)}", values))
        return None
    before = len(problems)
    values = dict(values)
    for key in list(values):
        if values[key] == "???":
            del values[key]
            if key in model.model_fields:
                description = model.model_fields[key].description
                problems.append(Problem(f"{path}.{key}", "is required" + (f": {description}" if description else "")))
        elif isinstance(values[key], bool) and key in model.model_fields and not _takes(model, key, bool):
            problems.append(Problem(f"{path}.{key}", "must not be true or false", values.pop(key)))
    for key in list(values):
        if huge := list(too_large(f"{path}.{key}", values[key])):
            problems += huge
            del values[key]
    reported = {problem.path for problem in problems[before:]}
    try:
        built = model.model_validate(values)
        problems += too_large(path, built)
    except ValidationError as error:
        problems += [problem for key, problem in value_problems(model, path, error, catalog) if key not in reported]
    if len(problems) == before:
        return built
    return None if any(field.is_required() for field in model.model_fields.values()) else model.model_construct()


def _takes(model: type[BaseModel], key: str, kind: type) -> bool:
    def members(annotation: Any) -> Iterator[Any]:
        yield annotation
        if get_origin(annotation) in (Union, types.UnionType):
            for part in get_args(annotation):
                yield from members(part)

    return any(part in (kind, Any, object) for part in members(model.model_fields[key].annotation))
