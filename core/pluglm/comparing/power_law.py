"""Power laws of loss: fitted as in Hoffmann et al. 2022, with intervals, or refused."""

from __future__ import annotations

import itertools
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    import numpy as np

HUBER_DELTA = 1e-3
STARTS = (0.1, 0.3, 0.6, 1.0)
EXPONENTS = (0.01, 3.0)
RESAMPLES = 200
MOST_EVALUATIONS = 50
LEAST_VALUES, LEAST_RANGE = 3, 2.0
# What a variable adds to the loss in the middle of its range, as a share; below, it makes no difference.
LEAST_PART = 1e-3
# Runs further than this share from the law do not follow one.
WORST_FIT = 0.1


class NotDetermined(ValueError):
    """The runs do not determine the law; the text says why."""


@dataclass(frozen=True, slots=True)
class PowerLaw:
    """loss = floor + sum of coefficients[v] / x[v] ** exponents[v] over the variables v.

    `intervals`: 95 % bootstrap intervals of "floor" and of each exponent by its variable. `residual`: how far the law
    is from the runs at most, as a share of the loss.
    """

    floor: float
    coefficients: Mapping[str, float]
    exponents: Mapping[str, float]
    intervals: Mapping[str, tuple[float, float]]
    residual: float
    points: int

    def predict(self, at: Mapping[str, float]) -> float:
        """The loss where each variable has this value."""
        return self.floor + sum(float(c / at[name] ** self.exponents[name]) for name, c in self.coefficients.items())


def fit_power_law(variables: Mapping[str, Sequence[float]], losses: Sequence[float], seed: int = 0) -> PowerLaw:
    """The law through `losses` at these values of the variables.

    The Huber loss (delta 1e-3) of the logarithms' differences is minimised, from several starts, as in Hoffmann et al.
    2022 (https://arxiv.org/abs/2203.15556, appendix D.3), with SciPy's robust least squares. Intervals come from 200
    resamples of the residuals, which keep each point where it is: with few points, leaving some out as the paper does
    often leaves nothing to fit.

    Raises:
        NotDetermined: with too few points or too narrow a range; where a variable makes no difference, or the bootstrap
            leaves its exponent open; where the runs are far from any such law.
    """
    import numpy as np

    y, x = np.log(np.asarray(losses, dtype=float)), {v: np.log(np.asarray(values)) for v, values in variables.items()}
    _check_range(variables, len(y))
    centres = {name: float(values.mean()) for name, values in x.items()}
    columns = np.stack([values - centres[name] for name, values in x.items()])
    names = list(x)
    best = min(
        (_minimise(columns, y, start) for start in _starts(columns, np.exp(y))), key=lambda result: float(result.cost)
    )
    floor, weights, exponents = _split(best.x, len(names))
    for name, weight in zip(names, weights, strict=True):
        if np.exp(weight - y.mean()) < LEAST_PART:
            raise NotDetermined(f"the loss does not fall with {name} in this range")
        _check_exponent(name, (float(exponents[names.index(name)]),) * 2)
    free = len(y) - len(best.x)
    residuals = -best.fun
    worst = float(np.abs(np.expm1(residuals)).max())
    if worst > WORST_FIT:
        raise NotDetermined(f"the runs lie up to {100 * worst:.0f} % away from any power law")
    spread = (residuals - residuals.mean()) * (len(y) / free) ** 0.5
    random = np.random.default_rng(seed)
    fitted = y - residuals
    resampled = np.stack(
        [_minimise(columns, fitted + random.choice(spread, len(y)), best.x).x for _ in range(RESAMPLES)]
    )
    low, high = np.quantile(resampled, [0.025, 0.975], axis=0)
    intervals = {"floor": (float(np.exp(low[0])), float(np.exp(high[0])))}
    for place, name in enumerate(names, start=1 + len(names)):
        intervals[name] = (float(low[place]), float(high[place]))
        _check_exponent(name, intervals[name])
    return PowerLaw(
        floor=float(np.exp(floor)),
        coefficients={n: float(np.exp(w + a * centres[n])) for n, w, a in zip(names, weights, exponents, strict=True)},
        exponents={name: float(exponent) for name, exponent in zip(names, exponents, strict=True)},
        intervals=intervals,
        residual=worst,
        points=len(y),
    )


def _check_range(variables: Mapping[str, Sequence[float]], points: int) -> None:
    unknown = 1 + 2 * len(variables)
    if points <= unknown:
        raise NotDetermined(f"{points} points for {unknown} unknowns; {unknown + 1} at least are needed")
    for name, values in variables.items():
        if len(set(values)) < LEAST_VALUES:
            raise NotDetermined(f"{len(set(values))} different values of {name}; {LEAST_VALUES} at least are needed")
        if max(values) / min(values) < LEAST_RANGE:
            raise NotDetermined(f"{name} only range over a factor of {max(values) / min(values):.2g}")


def _check_exponent(name: str, interval: tuple[float, float]) -> None:
    low, high = interval
    if low <= EXPONENTS[0] * 1.5 or high >= EXPONENTS[1] * 0.95 or high > 10 * low:
        raise NotDetermined(f"the exponent of {name} could be anything between {low:.2g} and {high:.2g}")


def _split(parameters: Any, count: int) -> tuple[Any, Any, Any]:
    return parameters[0], parameters[1 : 1 + count], parameters[1 + count :]


def _minimise(columns: np.ndarray[Any, Any], y: np.ndarray[Any, Any], start: Any) -> Any:
    """Robust least squares over log E, log of each term at the middle of its range, and the exponents."""
    import numpy as np
    from scipy.optimize import least_squares
    from scipy.special import logsumexp

    count = len(columns)

    def terms(parameters: Any) -> Any:
        floor, weights, exponents = _split(parameters, count)
        return np.vstack([np.full(len(y), floor), weights[:, None] - exponents[:, None] * columns])

    def residuals(parameters: Any) -> Any:
        return logsumexp(terms(parameters), axis=0) - y

    def jacobian(parameters: Any) -> Any:
        every = terms(parameters)
        shares = np.exp(every - logsumexp(every, axis=0))
        return np.vstack([shares, -shares[1:] * columns]).T

    lowest = [float(y.min()) - 12.0] * (1 + count) + [EXPONENTS[0]] * count
    highest = [float(y.max()) + 1.0] * (1 + count) + [EXPONENTS[1]] * count
    start = np.clip(start, np.array(lowest) + 1e-6, np.array(highest) - 1e-6)
    fit: Callable[..., Any] = least_squares
    return fit(
        residuals,
        start,
        jac=jacobian,
        bounds=(lowest, highest),
        loss="huber",
        f_scale=HUBER_DELTA,
        x_scale="jac",
        max_nfev=MOST_EVALUATIONS,
    )


def _starts(columns: np.ndarray[Any, Any], losses: np.ndarray[Any, Any]) -> list[Any]:
    """For each combination of exponents, the coefficients of least squares that are not negative."""
    import numpy as np
    from scipy.optimize import nnls

    found = []
    for exponents in itertools.product(STARTS, repeat=len(columns)):
        design = np.vstack([np.ones(len(losses)), np.exp(-np.array(exponents)[:, None] * columns)]).T
        coefficients, _ = nnls(design, losses)
        found.append(np.concatenate([np.log(np.maximum(coefficients, 1e-4 * losses.min())), exponents]))
    return found
