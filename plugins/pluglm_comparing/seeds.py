"""Means over seeds, their intervals, and whether a difference is more than what another seed would make."""

from __future__ import annotations

import warnings
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any, Literal

CONFIDENCE = 0.95
LEVEL = 1 - CONFIDENCE

Design = Literal["paired", "unpaired", "single"]
Verdict = Literal["better", "worse", "noise", "untold", "same"]


@dataclass(frozen=True, slots=True)
class Estimate:
    """`n` values with their mean, and the 95 % interval of the mean (Student's t); None where one value tells none."""

    n: int
    mean: float
    low: float | None = None
    high: float | None = None


@dataclass(frozen=True, slots=True)
class Change:
    """A difference between two means: `value` with its 95 % interval, over `n` pairs (or the smaller of two samples).

    `p` is that of a t-test, `adjusted` the same after Holm's correction for all comparisons made with it; None where
    one pair tells nothing. `design` is "single" then, and "unpaired" where the two have no seed in common.
    """

    value: float
    n: int
    design: Design
    low: float | None = None
    high: float | None = None
    p: float | None = None
    adjusted: float | None = None

    def verdict(self, better: str) -> Verdict:
        """What may be said, `better` being "lower" or "higher"."""
        if self.p is None:
            return "same" if self.value == 0 else "untold"
        if self.value == 0 and self.low == self.high:
            return "same"
        p = self.p if self.adjusted is None else self.adjusted
        if not p < LEVEL:
            return "noise"
        return "better" if (self.value < 0) == (better == "lower") else "worse"


def estimate(values: Sequence[float]) -> Estimate:
    """The mean of `values`, one or more, with its interval."""
    from scipy import stats

    mean = sum(values) / len(values)
    if len(values) < 2:
        return Estimate(len(values), mean)
    error = float(stats.sem(values))
    # The distribution of a mean that does not vary is a point, for which scipy gives no number.
    low, high = stats.t.interval(CONFIDENCE, len(values) - 1, loc=mean, scale=error) if error else (mean, mean)
    return Estimate(len(values), mean, float(low), float(high))


def change(own: Mapping[Any, float], base: Mapping[Any, float]) -> Change | None:
    """The mean of `own` less that of `base`, both by seed (or by any other setting that they share): paired over what
    both have; Welch's test where that is nothing; None where one of them is empty."""
    both = [seed for seed in own if seed in base]
    if not own or not base:
        return None
    a, b = [own[seed] for seed in both], [base[seed] for seed in both]
    if len(both) >= 2:
        return _tested(a, b, "paired")
    if not both and min(len(own), len(base)) >= 2:
        return _tested([*own.values()], [*base.values()], "unpaired")
    if not both:
        a, b = [*own.values()], [*base.values()]
    return Change(sum(a) / len(a) - sum(b) / len(b), min(len(a), len(b)), "single")


def holm(changes: Sequence[Change | None]) -> list[Change | None]:
    """The changes with Holm's step-down correction (Holm 1979) over all of them that were tested: the k-th smallest of
    m p-values times m - k + 1, at least what the one before it got, at most 1."""
    tested = sorted((one.p, position) for position, one in enumerate(changes) if one is not None and one.p is not None)
    found, reached = list(changes), 0.0
    for rank, (p, position) in enumerate(tested):
        reached = max(reached, min(1.0, p * (len(tested) - rank)))
        one = changes[position]
        assert one is not None
        found[position] = replace(one, adjusted=reached)
    return found


def _tested(a: Sequence[float], b: Sequence[float], design: Design) -> Change:
    from scipy import stats

    value, n = sum(a) / len(a) - sum(b) / len(b), min(len(a), len(b))
    spread = [{x - y for x, y in zip(a, b, strict=True)}] if design == "paired" else [set(a), set(b)]
    if all(len(values) == 1 for values in spread):
        # No spread at all: nothing to test, and nothing to doubt unless the difference is none.
        return Change(value, n, design, value, value, 0.0 if value else 1.0)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", RuntimeWarning)
        result = stats.ttest_rel(a, b) if design == "paired" else stats.ttest_ind(a, b, equal_var=False)
    interval = result.confidence_interval(CONFIDENCE)
    return Change(value, n, design, float(interval.low), float(interval.high), float(result.pvalue))
