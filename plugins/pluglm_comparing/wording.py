"""Figures and what may be said about them, in words."""

from __future__ import annotations

import math
from collections.abc import Sequence

from pluglm import format_number, format_seconds, format_size
from pluglm_comparing.figures import COST, FLOPS, Metric
from pluglm_comparing.seeds import LEVEL, Change, Estimate

VERDICTS = {"noise": "within the noise", "untold": "one seed: cannot be told", "same": "the same"}


def value_text(metric: Metric, value: float) -> str:
    """A figure with its unit."""
    if metric.name.endswith("size_bytes") or metric.name.endswith("memory_bytes"):
        return format_size(value)
    if metric.name.endswith("seconds"):
        return f"{value:.2g} s" if value < 10 else format_seconds(value)
    if metric.name.endswith("latency_ms"):
        return f"{format_number(value, 3)} ms"
    if metric.name == FLOPS:
        return flops_text(value)
    if metric.name == COST:
        return f"{value:.2g} {metric.unit}".strip() if value < 1 else f"{value:,.2f} {metric.unit}".strip()
    return format_number(value)


def flops_text(value: float) -> str:
    """Floating-point operations, in powers of 1000."""
    for power, unit in ((21, "Z"), (18, "E"), (15, "P"), (12, "T"), (9, "G"), (6, "M")):
        if value >= 10**power:
            return f"{value / 10**power:.3g} {unit}FLOPs"
    return f"{value:,.0f} FLOPs"


def estimate_text(metric: Metric, found: Estimate) -> str:
    """A mean with its interval, as exact as the interval allows."""
    if found.low is None or found.high is None or _is_point(found.mean, found.low, found.high):
        return value_text(metric, found.mean)
    if "." not in metric.name and " " not in metric.name:
        return value_text(metric, found.mean)
    places = decimals(found.high - found.low)
    return f"{fixed(found.mean, places)} [{fixed(found.low, places)}, {fixed(found.high, places)}]"


def change_text(metric: Metric, found: Change | None) -> str:
    """A change in words: "better by 0.12 [0.08, 0.16]", "within the noise (…)", "one seed: cannot be told (…)"."""
    if found is None:
        return "–"
    direction = metric.better or "lower"
    verdict = found.verdict(direction)
    if not metric.judged or metric.target is not None:
        word = "higher" if found.value > 0 else "lower"
        if verdict in ("better", "worse"):
            return f"{word} by {size_text(found)}"
        return VERDICTS[verdict] + ("" if verdict == "same" else f" ({word} by {size_text(found)})")
    word = "better" if (found.value < 0) == (direction == "lower") else "worse"
    if verdict in ("better", "worse"):
        return f"{word} by {size_text(found)}"
    corrected = found.p is not None and found.p < LEVEL and verdict == "noise" and found.adjusted is not None
    several = f"; p = {found.adjusted:.2g} corrected for several comparisons" if corrected else ""
    return VERDICTS[verdict] + ("" if verdict == "same" else f" ({word} by {size_text(found)}{several})")


def size_text(found: Change) -> str:
    """How large a change is, without its sign; the interval turned with it."""
    sign = -1 if found.value < 0 else 1
    if found.low is None or found.high is None or _is_point(found.value, found.low, found.high):
        return format_number(abs(found.value), 3)
    low, high = sorted((sign * found.low, sign * found.high))
    places = decimals(high - low)
    return f"{fixed(abs(found.value), places)} [{fixed(low, places)}, {fixed(high, places)}]"


def p_text(p: float) -> str:
    """A p-value."""
    return "p < 0.001" if p < 0.001 else f"p = {p:.3f}" if p < 0.1 else f"p = {p:.2f}"


def _is_point(value: float, low: float, high: float) -> bool:
    # What is left of a width of 0 after rounding is no interval.
    return high - low <= 1e-6 * abs(value)


def decimals(width: float) -> int:
    """Decimal places that show two digits of an interval of this width."""
    if not math.isfinite(width) or width <= 0:
        return 4
    return min(8, max(0, 1 - math.floor(math.log10(width / 2))))


def fixed(value: float, places: int) -> str:
    """`value` with so many decimal places, thousands separated, a true minus."""
    text = f"{value:,.{places}f}"
    if text.startswith("-"):
        return text[1:] if float(text.replace(",", "")) == 0 else "−" + text[1:]
    return text


def several(names: Sequence[str], most: int = 4) -> str:
    """Names in a sentence: "a, b and c", or "a, b, c, d and 5 others"."""
    if len(names) > most + 1:
        return f"{', '.join(names[:most])} and {len(names) - most} others"
    return " and ".join([", ".join(names[:-1]), names[-1]] if len(names) > 1 else names)
