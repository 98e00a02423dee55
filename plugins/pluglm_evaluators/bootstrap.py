"""Bootstrap intervals of ratios."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from numpy.typing import ArrayLike

RESAMPLES = 1000


def ratio_interval(numerators: ArrayLike, denominators: ArrayLike, seed: int) -> tuple[float, float]:
    """The 95 % percentile interval of sum(numerators) / sum(denominators), resampling pairs (Efron 1979).

    Both are (n,); a mean is the ratio with denominators of 1.
    """
    import numpy as np

    tops, bottoms = np.asarray(numerators, dtype=np.float64), np.asarray(denominators, dtype=np.float64)
    generator = np.random.default_rng(seed)
    weights = generator.multinomial(len(tops), np.full(len(tops), 1 / len(tops)), size=RESAMPLES)
    ratios = (weights @ tops) / np.maximum(weights @ bottoms, 1e-300)
    low, high = np.percentile(ratios, [2.5, 97.5])
    return float(low), float(high)
