"""Values that are missing, and the one form of those that may be names of classes."""

from __future__ import annotations

import math
from collections import Counter
from collections.abc import Mapping
from typing import Any

WHOLE = "whole numbers written with a fraction (1.0) are taken as whole (1)"
ABSENT = "values that are not a number are taken as missing"


def is_missing(value: Any) -> bool:
    """Whether a value is none: null, not a number, or text without a letter."""
    if isinstance(value, str):
        return not value or value.isspace()
    return value is None or (isinstance(value, float) and not math.isfinite(value))


def tidy_fields(fields: Mapping[str, Any], notes: Counter[str]) -> dict[str, Any]:
    """The fields of a document without those that are missing, and with whole numbers in one form, whatever type their
    file gave them: 1.0 and 1 are one class. What was changed is counted in `notes`."""
    tidied = {}
    for name, value in fields.items():
        if is_missing(value):
            if value is not None and not isinstance(value, str):
                notes[f"{name}: {ABSENT}"] += 1
            continue
        if isinstance(value, float) and value.is_integer():
            notes[f"{name}: {WHOLE}"] += 1
            value = int(value)
        elif isinstance(value, list | tuple) and any(isinstance(part, float) for part in value):
            notes[f"{name}: {WHOLE}"] += any(isinstance(part, float) and part.is_integer() for part in value)
            value = [_tidy_part(part) for part in value]
        tidied[name] = value
    return tidied


def _tidy_part(value: Any) -> Any:
    if not isinstance(value, float):
        return value
    return int(value) if value.is_integer() else value if math.isfinite(value) else None


def json_able(value: Any) -> Any:
    """A value with None in the place of every number that JSON has no form for."""
    if isinstance(value, float):
        return value if math.isfinite(value) else None
    if isinstance(value, Mapping):
        return {key: json_able(part) for key, part in value.items()}
    return [json_able(part) for part in value] if isinstance(value, list | tuple) else value
