"""Runs that differ in size and length: the power law through them, or why there is none."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from pluglm_comparing.configurations import Configuration, Factor
from pluglm_comparing.figures import PARAMETERS, PER_BYTE, TOKENS, Metric
from pluglm_comparing.power_law import NotDetermined, PowerLaw, fit_power_law

LEAST_POINTS = 4
# Up to here repeated tokens are worth nearly as much as new ones (Muennighoff et al. 2023).
MOST_EPOCHS = 4.0
OF_SCALE = ("model.", "train.")


@dataclass(frozen=True, slots=True)
class Scaling:
    """Configurations alike in all but size and length. `points`: their positions, `at` and `losses` beside them.

    `label`: what is particular to them, "" where there is one such group. `law` is None where `refused` says why.
    """

    label: str
    metric: Metric
    points: tuple[int, ...]
    at: Mapping[str, tuple[float, ...]]
    losses: tuple[float, ...]
    law: PowerLaw | None
    refused: str


def scalings(
    found: Sequence[Configuration],
    factors: Sequence[Factor],
    metric: Metric,
    means: Sequence[Mapping[str, float]],
) -> list[Scaling]:
    """Every group of at least four such configurations that saw no token more than four times. `means`: figures of each
    configuration by name. The metric must be a loss: lower is better, and it is above 0."""
    if metric.better != "lower" or any(own.get(metric.name, 1.0) <= 0 for own in means):
        return []
    groups = groups_beside(found, [factor for factor in factors if not is_scale(factor, means)])
    made = []
    for label, group in groups.items():
        usable = [one for one in group if _usable(means[one], metric)]
        at = {name: tuple(means[one][name] for one in usable) for name in (PARAMETERS, TOKENS)}
        varied = {name: values for name, values in at.items() if values and max(values) > 1.05 * min(values)}
        if len(usable) < LEAST_POINTS or not varied:
            continue
        losses = tuple(means[one][metric.name] for one in usable)
        law, refused = None, ""
        try:
            law = fit_power_law(varied, losses)
        except NotDetermined as reason:
            refused = str(reason)
        made.append(Scaling(label if len(groups) > 1 else "", metric, tuple(usable), varied, losses, law, refused))
    return made


def loss_metric(every: Mapping[str, Metric], quality: Metric, found: Sequence[Mapping[str, float]]) -> Metric:
    """The metric a law is about: the quality where lower is better, else bits per byte where all have it."""
    per_byte = [m for name, m in every.items() if name.endswith(f".{PER_BYTE}") and all(name in own for own in found)]
    return quality if quality.better == "lower" or not per_byte else per_byte[0]


def is_scale(factor: Factor, means: Sequence[Mapping[str, float]]) -> bool:
    """Whether a factor is of size or length: one of the model's or the training's settings, by which parameters or
    tokens change."""
    if not any(key.startswith(OF_SCALE) for key in factor.keys):
        return False
    for name in (PARAMETERS, TOKENS):
        by_level: dict[str, set[int]] = {}
        for level, own in zip(factor.levels, means, strict=True):
            by_level.setdefault(level, set()).add(round(own.get(name, 0.0)))
        if len({frozenset(values) for values in by_level.values()}) > 1:
            return True
    return False


def groups_beside(found: Sequence[Configuration], others: Sequence[Factor]) -> dict[str, list[int]]:
    """Configurations that are alike in these factors, by what is particular to them."""
    groups: dict[str, list[int]] = {}
    for one in range(len(found)):
        label = ", ".join(f"{factor.keys[0]} {factor.levels[one]}" for factor in others)
        groups.setdefault(label, []).append(one)
    return groups


def _usable(own: Mapping[str, float], metric: Metric) -> bool:
    known = all(own.get(name, 0.0) > 0 for name in (PARAMETERS, TOKENS, metric.name))
    return known and own.get("epochs", 1.0) <= MOST_EPOCHS
