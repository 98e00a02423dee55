"""Whether an ability emerges with scale, or only its measure jumps (Schaeffer et al. 2023)."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from itertools import pairwise

from pluglm.comparing.configurations import Configuration, Factor
from pluglm.comparing.figures import FLOPS, PARAMETERS, TOKENS, Metric
from pluglm.comparing.scaling import groups_beside, is_scale

LEAST_POINTS = 3


@dataclass(frozen=True, slots=True)
class Emergence:
    """One task over a scale: the share of what is wholly right, and a graded score of the same, at each of `at`.

    `jumps`: of all that each changes by, up or down, how much it does in its largest step; 1 is all at once.
    """

    label: str
    task: str
    axis: str
    at: tuple[float, ...]
    metrics: tuple[Metric, Metric]
    values: tuple[tuple[float, ...], tuple[float, ...]]

    @property
    def jumps(self) -> tuple[float, float]:
        """Of the exact score, and of the graded one."""
        return _jump(self.values[0]), _jump(self.values[1])


def emergences(
    found: Sequence[Configuration],
    factors: Sequence[Factor],
    every: Mapping[str, Metric],
    means: Sequence[Mapping[str, float]],
) -> list[Emergence]:
    """For each task with an "exact" and a "continuous" score, and each group of configurations alike in all but scale:
    both over operations, or parameters, or tokens, whichever first has three values at least."""
    groups = groups_beside(found, [factor for factor in factors if not is_scale(factor, means)])
    made = []
    for task, exact, graded in _pairs(every):
        for label, group in groups.items():
            known = [one for one in group if exact.name in means[one] and graded.name in means[one]]
            for axis in (FLOPS, PARAMETERS, TOKENS):
                scale = {means[one][axis] for one in known if means[one].get(axis, 0.0) > 0}
                if len(scale) < LEAST_POINTS:
                    continue
                points = sorted((one for one in known if means[one].get(axis, 0.0) > 0), key=lambda o: means[o][axis])
                at = tuple(means[one][axis] for one in points)
                values = [tuple(means[one][metric.name] for one in points) for metric in (exact, graded)]
                named = label if len(groups) > 1 else ""
                made.append(Emergence(named, task, axis, at, (exact, graded), (values[0], values[1])))
                break
    return made


def _pairs(every: Mapping[str, Metric]) -> list[tuple[str, Metric, Metric]]:
    """Of each evaluator's task that has both: its first exact score and its first graded one."""
    tasks: dict[str, dict[str, Metric]] = {}
    for name, metric in every.items():
        if metric.kind in ("exact", "continuous"):
            task = name.rpartition(".")[0] + (f": {metric.of}" if metric.of else "")
            tasks.setdefault(task, {}).setdefault(metric.kind, metric)
    return [(task, own["exact"], own["continuous"]) for task, own in tasks.items() if len(own) == 2]


def _jump(values: Sequence[float]) -> float:
    steps = [abs(after - before) for before, after in pairwise(values)]
    return max(steps) / sum(steps) if sum(steps) else 0.0
