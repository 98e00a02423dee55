"""Power laws of loss: fitted as in Hoffmann et al. 2022, with intervals, or refused."""

from __future__ import annotations

import itertools
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    import numpy as np

    Array = np.ndarray[Any, np.dtype[Any]]

HUBER_DELTA = 1e-3
EXPONENTS = (0.01, 3.0)
RESAMPLES = 200
LEAST_VALUES, LEAST_RANGE = 3, 2.0
# What a variable adds to the loss in the middle of its range, as a share; below, it makes no difference.
LEAST_PART = 1e-3
# Of the variance of log loss; runs that a law explains less of do not follow one.
LEAST_EXPLAINED = 0.9


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

    The Huber loss (delta 1e-3) of the logarithms' differences is minimised as in Hoffmann et al. 2022
    (https://arxiv.org/abs/2203.15556, appendix D.3), with SciPy's robust least squares, from the best of a grid of
    exponents. Intervals come from 200 resamples of the residuals, which keep each point where it is: with few points,
    leaving some out as the paper does often leaves nothing to fit. The residuals are scaled by Student's t for what
    the points leave free, so that few points give wide intervals.

    Raises:
        NotDetermined: with too few points or too narrow a range; where a variable makes no difference, or the bootstrap
            leaves its exponent open; where no such law explains nine tenths of the variance.
    """
    import numpy as np
    from scipy import stats

    y, x = np.log(np.asarray(losses, dtype=float)), {v: np.log(np.asarray(values)) for v, values in variables.items()}
    _check_range(variables, len(y))
    centres = {name: float(values.mean()) for name, values in x.items()}
    columns = np.stack([values - centres[name] for name, values in x.items()])
    names, unknown = list(x), 1 + 2 * len(x)
    start = projected(columns, np.exp(y)[None], np.exp(y))
    floor, weights, exponents = _split(_minimise(columns, y, start[0]), len(names))
    fitted = np.logaddexp.reduce(_terms(columns, floor, weights, exponents))
    residuals = y - fitted
    for name, weight, exponent in zip(names, weights, exponents, strict=True):
        if np.exp(weight - y.mean()) < LEAST_PART:
            raise NotDetermined(f"the loss does not fall with {name} in this range")
        _check_exponent(name, (float(exponent), float(exponent)))
    explained = 1 - float(np.var(residuals) / np.var(y)) if np.var(y) else 0.0
    if explained < LEAST_EXPLAINED:
        raise NotDetermined(f"a power law explains only {100 * explained:.0f} % of the differences")
    # The Huber fit goes through some points exactly, which says nothing of how far points are from the law.
    spread = y - np.logaddexp.reduce(_terms(columns, *_split(start[0], len(names))))
    free = len(y) - unknown
    spread = (spread - spread.mean()) * (len(y) / free) ** 0.5 * stats.t.ppf(0.975, free) / stats.norm.ppf(0.975)
    random = np.random.default_rng(seed)
    resampled = np.exp(fitted + random.choice(spread, (RESAMPLES, len(y))))
    low, high = np.quantile(projected(columns, resampled, np.exp(fitted)), [0.025, 0.975], axis=0)
    intervals = {"floor": (float(np.exp(low[0])), float(np.exp(high[0])))}
    for place, name in enumerate(names, start=1 + len(names)):
        intervals[name] = (float(low[place]), float(high[place]))
        _check_exponent(name, intervals[name])
    return PowerLaw(
        floor=float(np.exp(floor)),
        coefficients={n: float(np.exp(w + a * centres[n])) for n, w, a in zip(names, weights, exponents, strict=True)},
        exponents={name: float(exponent) for name, exponent in zip(names, exponents, strict=True)},
        intervals=intervals,
        residual=float(np.abs(np.expm1(residuals)).max()),
        points=len(y),
    )


def projected(columns: Array, losses: Array, scale: Array) -> Array:
    """For each row of `losses` (rows, points): log E, log of each term in the middle, and the exponents, by least
    squares of the differences over `scale` (points) with no coefficient below 0.

    Given the exponents the law is linear: a grid of them is tried, three times, each within what was found before.
    """
    import numpy as np

    bounds = np.array([EXPONENTS] * len(columns))
    count = 48 if len(columns) == 1 else 16
    for _ in range(3):
        axes = [np.geomspace(low, high, count) for low, high in bounds]
        grid = np.array(list(itertools.product(*axes)))
        best, found = np.full(len(losses), np.inf), np.zeros((len(losses), 1 + 2 * len(columns)))
        for exponents in grid:
            errors, coefficients = _without_negatives(np.exp(-exponents[:, None] * columns), losses, scale)
            better = errors < best * (1 - 1e-12)
            best = np.where(better, errors, best)
            logs = np.log(np.maximum(coefficients, 1e-9 * scale.min()))
            found[better] = np.hstack([logs, np.tile(exponents, (len(losses), 1))])[better]
        chosen, step = found[:, 1 + len(columns) :], (bounds[:, 1] / bounds[:, 0]) ** (1 / (count - 1))
        lower, upper = chosen.min(axis=0) / step, chosen.max(axis=0) * step
        bounds = np.clip(np.stack([lower, upper], axis=1), *EXPONENTS)
    return found


def _without_negatives(terms: Array, losses: Array, scale: Array) -> tuple[Array, Array]:
    """The least squared error of each row, and its coefficients, over all choices of which of them are 0."""
    import numpy as np

    design = np.vstack([np.ones(terms.shape[1]), terms]).T / scale[:, None]
    targets = (losses / scale).T
    best, found = np.full(len(losses), np.inf), np.zeros((len(losses), design.shape[1]))
    for used in range(1, design.shape[1] + 1):
        for kept in itertools.combinations(range(design.shape[1]), used):
            part = design[:, kept]
            solved = np.linalg.pinv(part) @ targets
            errors = np.where((solved >= 0).all(axis=0), ((part @ solved - targets) ** 2).sum(axis=0), np.inf)
            better = errors < best
            best = np.where(better, errors, best)
            found[better] = 0.0
            found[np.ix_(better, np.array(kept))] = solved.T[better]
    return best, found


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


def _terms(columns: Array, floor: Any, weights: Any, exponents: Any) -> Array:
    """Logarithms of the floor and of each variable's part, at every point."""
    import numpy as np

    return np.vstack([np.full(columns.shape[1], floor), weights[:, None] - exponents[:, None] * columns])


def _minimise(columns: Array, y: Array, start: Array) -> Array:
    """Robust least squares over log E, log of each term in the middle of its range, and the exponents."""
    import numpy as np
    from scipy.optimize import least_squares

    count = len(columns)

    def residuals(parameters: Any) -> Any:
        return np.logaddexp.reduce(_terms(columns, *_split(parameters, count))) - y

    def jacobian(parameters: Any) -> Any:
        every = _terms(columns, *_split(parameters, count))
        shares = np.exp(every - np.logaddexp.reduce(every))
        return np.vstack([shares, -shares[1:] * columns]).T

    lowest = np.array([float(y.min()) - 21.0] * (1 + count) + [EXPONENTS[0]] * count)
    highest = np.array([float(y.max()) + 1.0] * (1 + count) + [EXPONENTS[1]] * count)
    fit: Callable[..., Any] = least_squares
    found: Array = fit(
        residuals,
        np.clip(start, lowest + 1e-6, highest - 1e-6),
        jac=jacobian,
        bounds=(lowest, highest),
        loss="huber",
        f_scale=HUBER_DELTA,
        x_scale="jac",
        max_nfev=2000,
    ).x
    return found
