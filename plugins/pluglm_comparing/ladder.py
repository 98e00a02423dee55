"""One technique at a time: configurations that differ in a single thing, and what that brought."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from itertools import combinations
from typing import Any

from pluglm_comparing.configurations import Configuration, Factor
from pluglm_comparing.differences import shown
from pluglm_comparing.figures import Metric
from pluglm_comparing.seeds import Change, change, holm

# What a step costs, beside what it brings.
COSTS = ("size_bytes", "training_seconds", "flops", "latency_ms")


@dataclass(frozen=True, slots=True)
class Rung:
    """The step from one configuration to another that differs from it in one factor alone.

    `what` says it, such as "without" a step of a list. `costs`: by figure, the other's mean as a multiple of the one's.
    """

    start: int
    end: int
    factor: Factor
    what: str
    change: Change
    costs: Mapping[str, float]


def ladder(
    found: Sequence[Configuration],
    factors: Sequence[Factor],
    metric: Metric,
    values: Mapping[str, Sequence[float | None]],
    base: int,
) -> list[Rung]:
    """All such steps: first those from `base`, those that bring most first; then those between others. `values`: each
    figure's, one for each run. Holm's correction is over the steps from the baseline, and over the others."""
    from_base: list[Rung] = []
    between: list[Rung] = []
    by_seed = [one.by_seed([_loss(metric, v) for v in values[metric.name]]) for one in found]
    for one, other in combinations(range(len(found)), 2):
        start, end = (other, one) if other == base else (one, other)
        differing = [factor for factor in factors if factor.levels[one] != factor.levels[other]]
        brought = change(by_seed[end], by_seed[start])
        if len(differing) == 1 and brought is not None:
            what = _step(differing[0], found[start], found[end])
            rung = Rung(start, end, differing[0], what, brought, _costs(found[start], found[end], values))
            (from_base if start == base else between).append(rung)
    return [*_corrected(from_base), *_corrected(between)]


def _corrected(rungs: Sequence[Rung]) -> list[Rung]:
    corrected = holm([rung.change for rung in rungs])
    made = [replace(rung, change=one) for rung, one in zip(rungs, corrected, strict=True) if one is not None]
    return sorted(made, key=lambda rung: rung.change.value)


def _loss(metric: Metric, value: float | None) -> float | None:
    return None if value is None else metric.loss(value)


def _step(factor: Factor, start: Configuration, end: Configuration) -> str:
    key = factor.keys[0]
    before, after = start.settings[key], end.settings[key]
    if isinstance(before, list | type(None)) and isinstance(after, list | type(None)):
        old, new = before or [], after or []
        gone, come = [one for one in old if one not in new], [one for one in new if one not in old]
        if sorted(map(str, old)) == sorted(map(str, new)):
            return f"{key} in another order: {shown(new)}"
        if not come and len(gone) == 1:
            return f"without {shown(gone[0])}"
        if not gone and len(come) == 1:
            return f"with {shown(come[0])}"
        if len(gone) == len(come) == 1:
            return f"{shown(come[0])} instead of {shown(gone[0])}"
    return f"{key}: {shown(before)} → {shown(after)}"


def _costs(start: Configuration, end: Configuration, values: Mapping[str, Sequence[float | None]]) -> dict[str, float]:
    found: dict[str, float] = {}
    for name in COSTS:
        before, after = (_mean(one.by_seed(values[name])) if name in values else None for one in (start, end))
        if before and after is not None:
            found[name] = after / before
    return found


def _mean(by_seed: Mapping[Any, float]) -> float | None:
    return sum(by_seed.values()) / len(by_seed) if by_seed else None
