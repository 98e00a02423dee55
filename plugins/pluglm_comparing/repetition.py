"""Repeated data: the loss over epochs at equal tokens, beside what Muennighoff et al. 2023 found."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from pluglm_comparing.configurations import Configuration, Factor
from pluglm_comparing.figures import PARAMETERS, TOKENS, Metric
from pluglm_comparing.scaling import groups_beside

# Of https://arxiv.org/abs/2305.16264: by then repeating is worth 1 - 1/e of what it could be at most; and how the loss
# falls with tokens in Hoffmann et al. 2022.
R_STAR, BETA = 15.4, 0.28
OF_REPETITION = ("data.train_fraction", "train.epochs", "train.steps", "train.tokens")
LEAST_POINTS = 3


@dataclass(frozen=True, slots=True)
class Repetition:
    """Configurations of equal tokens, in the order of their epochs.

    `effective`: tokens without repetition that are worth as much. `predicted`: losses by the paper's form, whose level
    and height are fitted to these runs (None with fewer than three). `excess`: how far the run with most epochs lies
    above the prediction.
    """

    label: str
    metric: Metric
    points: tuple[int, ...]
    epochs: tuple[float, ...]
    losses: tuple[float, ...]
    tokens: float
    effective: tuple[float, ...]
    floor: float | None = None
    height: float | None = None

    def predicted(self, epochs: float) -> float | None:
        """The loss at this many epochs."""
        if self.floor is None or self.height is None:
            return None
        return self.floor + self.height * float((effective_tokens(self.tokens, epochs) / self.tokens) ** -BETA)


def effective_tokens(tokens: float, epochs: float) -> float:
    """What `tokens` seen in so many epochs are worth: U + U R* (1 - exp(-R / R*)), with U tokens of their own, each
    repeated R = epochs - 1 times. All of them where no token is seen twice."""
    if epochs <= 1:
        return tokens
    own = tokens / epochs
    return own + own * R_STAR * (1 - math.exp(-(epochs - 1) / R_STAR))


def repetitions(
    found: Sequence[Configuration], factors: Sequence[Factor], metric: Metric, means: Sequence[Mapping[str, float]]
) -> list[Repetition]:
    """Every group of configurations that are alike in size, tokens and all settings but how often the same documents
    are seen."""
    if metric.better != "lower":
        return []
    others = [factor for factor in factors if factor.keys[0] not in OF_REPETITION]
    made = []
    for label, group in groups_beside(found, others).items():
        for points in _alike(group, means):
            points = sorted(
                (one for one in points if metric.name in means[one] and "epochs" in means[one]),
                key=lambda one: means[one]["epochs"],
            )
            epochs = tuple(means[one]["epochs"] for one in points)
            if len(points) < 2 or epochs[-1] <= max(1.0, 1.5 * epochs[0]):
                continue
            tokens = sum(means[one][TOKENS] for one in points) / len(points)
            losses = tuple(means[one][metric.name] for one in points)
            effective = tuple(effective_tokens(tokens, one) for one in epochs)
            level = _level(effective, losses, tokens)
            made.append(Repetition(label, metric, tuple(points), epochs, losses, tokens, effective, *level))
    return made


def _alike(group: Sequence[int], means: Sequence[Mapping[str, float]]) -> list[list[int]]:
    """Of a group, those of the same parameters, and of tokens within 2 % of the first's."""
    found: list[list[int]] = []
    for one in group:
        own = means[one]
        if TOKENS not in own:
            continue
        for others in found:
            first = means[others[0]]
            close = abs(own[TOKENS] - first[TOKENS]) <= 0.02 * first[TOKENS]
            if close and own.get(PARAMETERS) == first.get(PARAMETERS):
                others.append(one)
                break
        else:
            found.append([one])
    return found


def _level(effective: Sequence[float], losses: Sequence[float], tokens: float) -> tuple[float | None, float | None]:
    """Floor and height of the law, by least squares with neither below 0; nothing where it is not determined."""
    import numpy as np
    from scipy.optimize import nnls

    if len(set(effective)) < LEAST_POINTS:
        return None, None
    design = np.array([[1.0, (one / tokens) ** -BETA] for one in effective])
    (floor, height), _ = nnls(design, np.array(losses))
    return float(floor), float(height)
