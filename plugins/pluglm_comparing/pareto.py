"""Trade-offs: which models no other one beats in both quality and what it costs."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from pluglm_comparing.configurations import Configuration
from pluglm_comparing.figures import COST, FLOPS, LATENCY, PER_BYTE, SECONDS, SIZE, Figure, Metric, stage_figures
from pluglm_comparing.members import Member

COSTS = (SIZE, LATENCY, FLOPS, SECONDS, COST)
# What was timed on a machine that had other things to do too differs a little in any case.
TIMED, LEAST_RATIO = (LATENCY, SECONDS), 1.2


@dataclass(frozen=True, slots=True)
class Point:
    """A model: its configuration, the stage it was compressed at ("" as trained), and the means of both figures."""

    configuration: int
    stage: str
    quality: float
    cost: float
    front: bool


@dataclass(frozen=True, slots=True)
class Front:
    """A trade-off between `quality` and `cost`; `points` in the order of their cost."""

    quality: Metric
    cost: Metric
    points: tuple[Point, ...]

    def on_front(self) -> list[Point]:
        """The points that no other is as good as in one and better in the other."""
        return [point for point in self.points if point.front]


def fronts(
    members: Sequence[Member],
    found: Sequence[Configuration],
    figures: Sequence[Mapping[str, Figure]],
    every: Mapping[str, Metric],
    quality: Metric,
) -> list[Front]:
    """One for each cost that is not alike for all, of what is timed within a fifth: size, latency, operations, seconds,
    money, and each evaluator's leading score of bias. Where models were compressed, each stage is a point, and the
    quality is a score that all stages have, bits per byte before others."""
    models = _models(members, found, figures)
    measured = _quality(models, every, quality)
    if measured is None:
        return []
    biases, seen = [], set()
    for name, metric in every.items():
        evaluator = name.partition(".")[0]
        if (
            metric.kind == "bias"
            and metric.judged
            and ": " not in name
            and evaluator not in seen
            and metric != measured
        ):
            seen.add(evaluator)
            biases.append(metric)
    costs = [Metric(name, "lower", unit=every[name].unit) for name in COSTS if name in every]
    made = []
    for cost in (*costs, *biases):
        points = []
        for (configuration, stage), own in models.items():
            if measured.name in own and cost.name in own:
                points.append((configuration, stage, own[measured.name], own[cost.name]))
        prices = [point[3] for point in points]
        if len(set(prices)) > 1 and (cost.name not in TIMED or max(prices) >= LEAST_RATIO * min(prices)):
            made.append(Front(measured, cost, tuple(_marked(points, measured, cost))))
    return made


def dominated(losses: Sequence[tuple[float, float]]) -> list[bool]:
    """For each pair, of which less is better, whether another is no worse in both and better in one."""
    return [
        any(o[0] <= own[0] and o[1] <= own[1] and (o[0] < own[0] or o[1] < own[1]) for o in losses) for own in losses
    ]


def _marked(points: Sequence[tuple[int, str, float, float]], quality: Metric, cost: Metric) -> list[Point]:
    beaten = dominated([(quality.loss(value), cost.loss(price)) for _, _, value, price in points])
    made = [Point(*point, not out) for point, out in zip(points, beaten, strict=True)]
    return sorted(made, key=lambda point: (cost.loss(point.cost), quality.loss(point.quality), point.configuration))


def _models(
    members: Sequence[Member], found: Sequence[Configuration], figures: Sequence[Mapping[str, Figure]]
) -> dict[tuple[int, str], dict[str, float]]:
    """The mean figures of each configuration's trained model, and of each compressed one."""
    models: dict[tuple[int, str], dict[str, list[float]]] = {}
    for position, one in enumerate(found):
        for run in one.runs:
            for name, figure in figures[run].items():
                models.setdefault((position, ""), {}).setdefault(name, []).append(figure.value)
            for stage in members[run].run.compressed_stages():
                own = models.setdefault((position, str(stage["stage"]).partition(".")[2]), {})
                for name, figure in stage_figures(stage).items():
                    own.setdefault(name, []).append(figure.value)
    return {key: {name: sum(v) / len(v) for name, v in own.items()} for key, own in models.items()}


def _quality(
    models: Mapping[tuple[int, str], Mapping[str, float]], every: Mapping[str, Metric], quality: Metric
) -> Metric | None:
    if all(quality.name in own for own in models.values()) or not any(stage for _, stage in models):
        return quality
    shared = [
        m for name, m in every.items() if m.better and "." in name and all(name in own for own in models.values())
    ]
    plain = [metric for metric in shared if metric.kind != "bias"]
    return next((metric for metric in plain if metric.name.endswith(f".{PER_BYTE}")), plain[0] if plain else None)
