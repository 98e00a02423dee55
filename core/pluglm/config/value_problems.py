"""What pydantic says of wrong values and keys, as one problem for each key."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from pydantic import BaseModel, ValidationError

from pluglm.catalog import Catalog
from pluglm.config.key_search import NEAR, unknown_key
from pluglm.errors import Problem
from pluglm.suggestions import nearest_name
from pluglm.technique import Technique

LARGEST = 2**63 - 1
"""The largest whole number that the libraries below take."""
INTERNAL = re.compile(
    r"str|int|float|bool|none|path|.*\[.*\].*|(constrained|function|lax|json|is|chain|model|nullable)-.*"
)
BOUNDS = ("greater_than", "greater_than_equal", "less_than", "less_than_equal")


def value_problems(
    model: type[BaseModel], path: str, error: ValidationError, catalog: Catalog
) -> Iterator[tuple[str, Problem]]:
    """A problem for each key with the key; where a value could be of several kinds, all of them are named."""
    details = error.errors(include_url=False)
    wrong = [detail["loc"] for detail in details]
    by_key: dict[str, list[Any]] = {}
    for detail in details:
        begin = len(detail["loc"])
        if detail["type"] == "too_short" and any(loc[:begin] == detail["loc"] != loc for loc in wrong):
            # Of a list with a wrong entry pydantic also says that without it there are too few.
            continue
        by_key.setdefault(".".join([path, *_keys(detail)]), []).append(detail)
    for where, own in by_key.items():
        problems = [_problem(model, path, where, detail, catalog) for detail in own]
        first = problems[0]
        if len(problems) > 1 and all(problem.reason.startswith("must be ") for problem in problems):
            bounds = [p for p, detail in zip(problems, own, strict=True) if detail["type"] in BOUNDS]
            kinds = [p for p in problems if p not in bounds and not (bounds and "valid" in p.reason)]
            reasons = dict.fromkeys(p.reason.removeprefix("must be ") for p in [*kinds, *bounds])
            first = Problem(where, "must be " + " or ".join(reasons), first.value, first.hint)
        yield where, first


def too_large(path: str, value: Any) -> Iterator[Problem]:
    """Whole numbers that no library below could hold."""
    if isinstance(value, BaseModel):
        for name in type(value).model_fields:
            # Not by getattr, at which pydantic warns of deprecated fields.
            yield from too_large(f"{path}.{name}", value.__dict__[name])
    elif isinstance(value, Mapping):
        for name, item in value.items():
            yield from too_large(f"{path}.{name}", item)
    elif isinstance(value, list | tuple | set | frozenset):
        for item in value:
            yield from too_large(path, item)
    elif isinstance(value, int) and abs(value) > LARGEST:
        yield Problem(path, f"must be at most {LARGEST} (2^63 - 1)", value)


def _keys(detail: Any) -> list[str]:
    # Parts of `loc` that name a branch of a union or a constraint are pydantic's, not the user's.
    loc = detail["loc"]
    last = len(loc) - 1 if detail["type"] == "extra_forbidden" else None
    return [str(part) for place, part in enumerate(loc) if place == last or not _internal(part)]


def _internal(part: object) -> bool:
    return isinstance(part, str) and INTERNAL.fullmatch(part) is not None


def _problem(model: type[BaseModel], path: str, where: str, detail: Any, catalog: Catalog) -> Problem:
    keys, given = _keys(detail), detail["input"]
    if detail["type"] == "extra_forbidden":
        key = keys[-1] if keys else ""
        group, title = _group(model, path, keys[:-1])
        fields = list(group.model_fields)
        owners = _owners(key, group, catalog)
        if owners and not nearest_name(key, fields, NEAR):
            return Problem(where, f"{title} has no such key; {key} is a parameter of {owners}", given)
        hint = unknown_key(where, fields, catalog)
        return Problem(where, f"{title} has no such key{hint}", given)
    if detail["type"] == "missing":
        return Problem(where, "is required")
    message = detail["msg"].removeprefix("Value error, ").replace("Input should be ", "must be ", 1)
    if detail["type"] == "literal_error" and isinstance(given, str):
        options = [option.strip(" '") for option in detail["ctx"]["expected"].replace(" or ", ", ").split(",")]
        near = nearest_name(given, options)
        return Problem(
            where, "must be one of " + ", ".join(options) + (f"; did you mean {near!r}?" if near else ""), given
        )
    hint = ""
    if detail["type"] == "string_type" and isinstance(given, int | float):
        key = where if not where.rpartition(".")[2].isdigit() else where.rpartition(".")[0]
        hint = f"in quotes it is text: \"{key}='{given}'\""
    return Problem(where, message[:1].lower() + message[1:], given if keys else None, hint)


def _group(model: type[BaseModel], path: str, keys: Sequence[str]) -> tuple[type[BaseModel], str]:
    """The model that the key is looked for in, below `model` where it is nested, and what a user calls it."""
    group = model
    for key in keys:
        field = group.model_fields.get(key)
        if field is None or not (isinstance(field.annotation, type) and issubclass(field.annotation, BaseModel)):
            return model, _title(model, path)
        group = field.annotation
    return group, ".".join([path, *keys]) if keys else _title(model, path)


def _title(model: type[BaseModel], path: str) -> str:
    return f"{model.family}={model.name}" if issubclass(model, Technique) else path


def _owners(key: str, model: type[BaseModel], catalog: Catalog) -> str:
    if not issubclass(model, Technique):
        return ""
    same = [t.name for t in catalog if t.family == model.family and key in t.model_fields]
    return ", ".join(f"{model.family}={name}" for name in same[:4])
