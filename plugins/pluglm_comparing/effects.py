"""The main effect of each factor: what its levels do on average over all other settings, and how much they matter."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from itertools import combinations
from typing import Any

from pluglm_comparing.configurations import Configuration, Factor
from pluglm_comparing.differences import SEED
from pluglm_comparing.seeds import Change, change, holm


@dataclass(frozen=True, slots=True)
class Level:
    """One value of a factor: the mean over `settings` of the others, and the change from the first level, paired over
    settings and seeds (None for the first)."""

    name: str
    mean: float
    settings: int
    change: Change | None


@dataclass(frozen=True, slots=True)
class Effect:
    """What a factor does. `levels` is empty where no setting of the others has been tried with every level.

    `left_out`: configurations that were of no use for it, because they lack such counterparts. `share`: of the
    variation between runs, what the factor explains; None where the design is not balanced.
    """

    factor: Factor
    levels: tuple[Level, ...]
    left_out: int
    share: float | None

    @property
    def range(self) -> float:
        """Between the means of the best and the worst level."""
        means = [level.mean for level in self.levels]
        return max(means) - min(means) if means else 0.0


@dataclass(frozen=True, slots=True)
class Effects:
    """`effects`, those that matter most first. `balanced`: whether every combination of levels was run with the same
    seeds, so that shares of the variation mean something. `seed_share`, `rest`: of it, what the seed explains, and what
    is left. `interactions`: pairs of factors, with what their combination explains beyond both, the largest first."""

    effects: tuple[Effect, ...]
    balanced: bool
    seed_share: float | None
    interactions: tuple[tuple[str, str, float], ...]
    rest: float | None

    @property
    def outweighing(self) -> tuple[str, str, float] | None:
        """The interaction that explains more than any factor alone, if there is one."""
        top = max((effect.share or 0.0 for effect in self.effects), default=0.0)
        return next((pair for pair in self.interactions if pair[2] > max(top, 0.05)), None)


def effects(
    found: Sequence[Configuration], factors: Sequence[Factor], values: Sequence[float | None], base: int
) -> Effects:
    """The effects of `factors` on `values`, one for each run. `base`: the configuration whose levels come first."""
    by_seed = [one.by_seed(values) for one in found]
    shares = _shares(factors, by_seed) if is_balanced(factors, by_seed) else None
    made = [
        _effect(factor, [other for other in factors if other is not factor], by_seed, base, shares)
        for factor in factors
    ]
    made.sort(key=lambda effect: (-(effect.share or 0.0), -effect.range) if shares else (0.0, -effect.range))
    if shares is None:
        return Effects(tuple(made), False, None, (), None)
    pairs = sorted(((*key, share) for key, share in shares.items() if isinstance(key, tuple)), key=lambda p: -p[2])
    explained = sum(shares.values())
    return Effects(tuple(made), True, shares.get(SEED), tuple(pairs), max(0.0, 1 - explained))


def is_balanced(factors: Sequence[Factor], by_seed: Sequence[Mapping[Any, float]]) -> bool:
    """Whether every combination of the factors' levels is there, with the same seeds."""
    combinations_wanted = 1
    for factor in factors:
        combinations_wanted *= len(factor.distinct())
    same_seeds = all(own and set(own) == set(by_seed[0]) for own in by_seed)
    return bool(factors) and combinations_wanted == len(by_seed) and same_seeds


def _effect(
    factor: Factor,
    others: Sequence[Factor],
    by_seed: Sequence[Mapping[Any, float]],
    base: int,
    shares: Mapping[Any, float] | None,
) -> Effect:
    settings: dict[tuple[str, ...], dict[str, int]] = {}
    for position, level in enumerate(factor.levels):
        if by_seed[position]:
            settings.setdefault(tuple(other.levels[position] for other in others), {})[level] = position
    names = factor.distinct()
    names.sort(key=lambda name: name != factor.levels[base])
    whole = {setting: own for setting, own in settings.items() if len(own) == len(names)}
    used = {position for own in whole.values() for position in own.values()}
    # A seed that only some levels have would tilt the means.
    values: dict[str, dict[Any, float]] = {name: {} for name in names}
    for setting, own in whole.items():
        shared = set.intersection(*(set(by_seed[position]) for position in own.values()))
        for name, position in own.items():
            values[name] |= {(setting, seed): by_seed[position][seed] for seed in by_seed[position] if seed in shared}
    share = None if shares is None else shares[factor.name]
    if not all(values.values()):
        return Effect(factor, (), len(by_seed), share)
    first = values[names[0]]
    changes = holm([change(values[name], first) for name in names[1:]])
    levels = [
        Level(name, sum(values[name].values()) / len(values[name]), len(whole), difference)
        for name, difference in zip(names, [None, *changes], strict=True)
    ]
    return Effect(factor, tuple(levels), len(by_seed) - len(used), share)


def _shares(factors: Sequence[Factor], by_seed: Sequence[Mapping[Any, float]]) -> dict[Any, float]:
    """Of the sum of squares around the mean of a balanced design, the share of each factor, of the seed, and of each
    pair of factors beyond what both explain; nothing where the values do not vary."""
    import numpy as np

    seeds = list(by_seed[0])
    columns: dict[str, list[str]] = {
        factor.name: [level for level in factor.levels for _ in seeds] for factor in factors
    }
    if len(seeds) > 1:
        columns[SEED] = [str(seed) for _ in by_seed for seed in seeds]
    values = np.array([own[seed] for own in by_seed for seed in seeds])
    centred = values - values.mean()
    total = float(centred @ centred)

    def between(*names: str) -> float:
        cells: dict[tuple[str, ...], list[float]] = {}
        for value, *key in zip(centred, *(columns[name] for name in names), strict=True):
            cells.setdefault(tuple(key), []).append(float(value))
        return sum(len(cell) * (sum(cell) / len(cell)) ** 2 for cell in cells.values())

    if total <= 1e-24 * float(values @ values):
        return {factor.name: 0.0 for factor in factors}
    shares: dict[Any, float] = {name: between(name) / total for name in columns}
    for one, other in combinations([factor.name for factor in factors], 2):
        # In a design without seeds the last interaction is all that is left: it cannot be told from noise.
        shares[one, other] = max(0.0, between(one, other) / total - shares[one] - shares[other])
    return shares
