"""Whether an ability emerges with scale, or only its measure jumps (Schaeffer et al. 2023)."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from itertools import pairwise

from pluglm_comparing.configurations import Configuration, Factor
from pluglm_comparing.figures import FLOPS, PARAMETERS, TOKENS, Metric
from pluglm_comparing.scaling import groups_beside, is_scale

LEAST_POINTS = 3
MOST_GRADED = 3


@dataclass(frozen=True, slots=True)
class Emergence:
    """One task over a scale: the share of what is wholly right, and then graded scores of the same, at each of `at`.

    `metrics` and `values` are in this order. `jumps`: of all that each changes by, up or down, how much it does in its
    largest step; 1 is all at once, 0 no change.
    """

    label: str
    task: str
    axis: str
    at: tuple[float, ...]
    metrics: tuple[Metric, ...]
    values: tuple[tuple[float, ...], ...]

    @property
    def jumps(self) -> tuple[float, ...]:
        """Of each score."""
        return tuple(map(_jump, self.values))


def emergences(
    found: Sequence[Configuration],
    factors: Sequence[Factor],
    every: Mapping[str, Metric],
    means: Sequence[Mapping[str, float]],
) -> list[Emergence]:
    """For each task with an "exact" and a "continuous" score, and each group of configurations alike in all but scale:
    all of them over operations, or parameters, or tokens, whichever first has three values at least."""
    groups = groups_beside(found, [factor for factor in factors if not is_scale(factor, means)])
    made = []
    for task, scores in _tasks(every):
        for label, group in groups.items():
            known = [one for one in group if all(metric.name in means[one] for metric in scores)]
            for axis in (FLOPS, PARAMETERS, TOKENS):
                scale = {means[one][axis] for one in known if means[one].get(axis, 0.0) > 0}
                if len(scale) < LEAST_POINTS:
                    continue
                points = sorted((one for one in known if means[one].get(axis, 0.0) > 0), key=lambda o: means[o][axis])
                at = tuple(means[one][axis] for one in points)
                values = tuple(tuple(means[one][metric.name] for one in points) for metric in scores)
                named = label if len(groups) > 1 else ""
                made.append(Emergence(named, task, axis, at, scores, values))
                break
    return made


def _tasks(every: Mapping[str, Metric]) -> list[tuple[str, tuple[Metric, ...]]]:
    """Each evaluator's tasks that have both: the first exact score, and the first graded ones."""
    tasks: dict[str, dict[str, list[Metric]]] = {}
    for name, metric in every.items():
        if metric.kind in ("exact", "continuous"):
            task = name.rpartition(".")[0] + (f": {metric.of}" if metric.of else "")
            tasks.setdefault(task, {}).setdefault(metric.kind, []).append(metric)
    return [(task, (own["exact"][0], *own["continuous"][:MOST_GRADED])) for task, own in tasks.items() if len(own) == 2]


def _jump(values: Sequence[float]) -> float:
    steps = [abs(after - before) for before, after in pairwise(values)]
    return max(steps) / sum(steps) if sum(steps) else 0.0
