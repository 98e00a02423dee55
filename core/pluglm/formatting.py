"""Numbers, sizes and durations as people read them, and nested data under dotted keys."""

from __future__ import annotations

import math
from collections.abc import Mapping
from typing import Any


def flatten(tree: Mapping[str, Any], prefix: str = "") -> dict[str, Any]:
    """Nested mappings as one, with dotted keys; an empty mapping stays as a value."""
    flat: dict[str, Any] = {}
    for key, value in tree.items():
        path = f"{prefix}{key}"
        if isinstance(value, Mapping) and value:
            flat |= flatten(value, f"{path}.")
        else:
            flat[path] = value
    return flat


def format_number(value: Any, digits: int = 4) -> str:
    """A number for people: thousands separated, `digits` significant places, a dash for None. Anything else is shown as
    it is."""
    if value is None or isinstance(value, bool) or not isinstance(value, int | float):
        return "–" if value is None else str(value)
    if isinstance(value, int) or (value == int(value) if math.isfinite(value) else False):
        return f"{int(value):,}" if abs(value) < 1e15 else f"{value:.3g}"
    if not math.isfinite(value):
        return str(value)
    if abs(value) >= 10 ** (digits - 1):
        return f"{value:,.0f}" if abs(value) < 1e15 else f"{value:.3g}"
    return f"{value:.{digits}g}"


def format_size(count: Any) -> str:
    """A count of bytes for people, in powers of 1000 (`1.5 MB`); a dash for what is no number."""
    if not isinstance(count, int | float):
        return "–"
    value, units = float(count), ["bytes", "kB", "MB", "GB", "TB"]
    while abs(value) >= 1000 and len(units) > 1:
        value, units = value / 1000, units[1:]
    return f"{value:.3g} {units[0]}" if value < 1000 else f"{value:,.0f} {units[0]}"


def format_seconds(value: Any) -> str:
    """A duration in seconds for people (`5.0 s`, `2 min 05 s`, `3 h 07 min`); a dash for what is no number."""
    if not isinstance(value, int | float):
        return "–"
    if value < 60:
        return f"{value:.1f} s"
    minutes, rest = divmod(round(value), 60)
    hours, minutes = divmod(minutes, 60)
    return f"{hours} h {minutes:02} min" if hours else f"{minutes} min {rest:02} s"
