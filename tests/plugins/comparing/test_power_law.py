"""Power laws: found again where they are, refused where the runs do not say."""

from __future__ import annotations

import numpy as np
import pytest

from pluglm_comparing.power_law import NotDetermined, fit_power_law
from pluglm_comparing.repetition import effective_tokens

# The law of Hoffmann et al. 2022, equation 10.
E, A, ALPHA, B, BETA = 1.69, 406.4, 0.34, 410.7, 0.28


def hoffmann(n: float, d: float) -> float:
    return E + A / n**ALPHA + B / d**BETA


GRID = [(n, d) for n in (1e8, 4e8, 1.6e9, 6.4e9) for d in (2e9, 1e10, 5e10, 2.5e11)]


def test_the_law_of_the_paper_is_found_again() -> None:
    law = fit_power_law({"n": [n for n, _ in GRID], "d": [d for _, d in GRID]}, [hoffmann(n, d) for n, d in GRID])
    assert law.floor == pytest.approx(E, rel=1e-3)
    assert law.exponents == {"n": pytest.approx(ALPHA, rel=1e-3), "d": pytest.approx(BETA, rel=1e-3)}
    assert law.coefficients == {"n": pytest.approx(A, rel=0.02), "d": pytest.approx(B, rel=0.02)}
    # Chinchilla itself: 70e9 parameters, 1.4e12 tokens.
    assert law.predict({"n": 70e9, "d": 1.4e12}) == pytest.approx(hoffmann(70e9, 1.4e12), rel=1e-3)


def test_with_noise_the_intervals_hold_the_truth_and_an_outlier_does_little() -> None:
    random = np.random.default_rng(3)
    losses = [hoffmann(n, d) * (1 + random.normal(0, 0.002)) for n, d in GRID]
    clean = fit_power_law({"n": [n for n, _ in GRID], "d": [d for _, d in GRID]}, losses)
    for name, true in (("n", ALPHA), ("d", BETA), ("floor", E)):
        low, high = clean.intervals[name]
        assert low < true < high and high - low > 0.01
    losses[5] *= 1.06
    law = fit_power_law({"n": [n for n, _ in GRID], "d": [d for _, d in GRID]}, losses)
    assert law.exponents["d"] == pytest.approx(clean.exponents["d"], abs=0.03)


def test_one_variable() -> None:
    tokens = [1e6, 3e6, 1e7, 3e7, 1e8]
    law = fit_power_law({"tokens": tokens}, [2 + 300 / d**0.4 for d in tokens])
    assert law.floor == pytest.approx(2, rel=1e-3) and law.exponents["tokens"] == pytest.approx(0.4, rel=1e-3)
    again = fit_power_law({"tokens": tokens}, [2 + 300 / d**0.4 for d in tokens])
    assert law == again


@pytest.mark.parametrize(
    ("variables", "losses", "reason"),
    [
        ({"d": [1e6, 2e6, 4e6]}, [4.0, 3.5, 3.2], "3 points for 3 unknowns; 4 at least"),
        ({"n": [1e6, 2e6, 4e6, 8e6, 16e6], "d": [1e6] * 5}, [4.0, 3.5, 3.2, 3.0, 2.9], "5 points for 5 unknowns"),
        ({"d": [1e6, 1e6, 2e6, 2e6]}, [4.0, 4.0, 3.5, 3.5], "2 different values of d"),
        ({"d": [1e6, 1.2e6, 1.4e6, 1.6e6]}, [4.0, 3.9, 3.8, 3.7], "factor of 1.6"),
        ({"d": [1e6, 1e7, 1e8, 1e9]}, [3.0, 3.1, 3.2, 3.3], "does not fall with d|could be anything"),
        ({"d": [1e6, 1e7, 1e8, 1e9, 1e10]}, [3.2, 3.0, 3.25, 2.9, 3.1], "does not fall with d|explains only"),
        ({"d": [1e6, 1.5e6, 2.2e6, 3.2e6]}, [3.5, 3.38, 3.25, 3.17], "could be anything between"),
        ({"d": [1e6, 1e7, 1e8, 1e9]}, [9.0, 3.0, 6.0, 1.0], "explains only"),
    ],
)
def test_what_the_runs_do_not_say_is_refused(
    variables: dict[str, list[float]], losses: list[float], reason: str
) -> None:
    with pytest.raises(NotDetermined, match=reason):
        fit_power_law(variables, losses)


def test_effective_tokens() -> None:
    assert effective_tokens(1e6, 0.3) == 1e6 and effective_tokens(1e6, 1) == 1e6
    # Up to four epochs nearly as good as new, and never more than 1 + R* times what is there (Muennighoff et al. 2023).
    assert 0.9 < effective_tokens(1e6, 4) / 1e6 < 1
    assert effective_tokens(4e10, 4e4) == pytest.approx(1e6 * 16.4, rel=1e-6)
    worth = [effective_tokens(1e6, epochs) for epochs in (1, 2, 4, 8, 16, 64)]
    assert worth == sorted(worth, reverse=True)
