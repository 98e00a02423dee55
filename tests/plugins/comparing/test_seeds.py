"""Intervals and tests over seeds, held against SciPy's and statsmodels' own."""

from __future__ import annotations

import math

import pytest
from hypothesis import given, settings
from hypothesis import strategies as some
from scipy import stats
from statsmodels.stats.multitest import multipletests
from statsmodels.stats.weightstats import CompareMeans, DescrStatsW

from pluglm_comparing.figures import Metric
from pluglm_comparing.seeds import Change, change, estimate, holm
from pluglm_comparing.wording import change_text, estimate_text

# Student's own sample: hours of sleep gained by ten patients with two soporifics (Cushny and Peebles 1905).
SLEEP = {
    "dextro": [0.7, -1.6, -0.2, -1.2, -0.1, 3.4, 3.7, 0.8, 0.0, 2.0],
    "laevo": [1.9, 0.8, 1.1, 0.1, -0.1, 4.4, 5.5, 1.6, 4.6, 3.4],
}
LOWER = Metric("validation loss", "lower")


def test_a_mean_with_its_interval() -> None:
    found = estimate(SLEEP["laevo"])
    low, high = DescrStatsW(SLEEP["laevo"]).tconfint_mean()
    assert (found.n, found.mean) == (10, pytest.approx(2.33))
    assert (found.low, found.high) == (pytest.approx(low), pytest.approx(high))
    one = estimate([3.0])
    assert (one.mean, one.low, one.high) == (3.0, None, None)
    alike = estimate([2.5, 2.5, 2.5])
    assert (alike.low, alike.high) == (2.5, 2.5)


def test_the_paired_change_is_that_of_students_paper() -> None:
    own, base = (dict(enumerate(SLEEP[name])) for name in ("laevo", "dextro"))
    found = change(own, base)
    assert found is not None and found.design == "paired" and found.n == 10
    # Published ever since: t = 4.062, p = 0.0028, 95 % interval 0.70 to 2.46.
    assert found.value == pytest.approx(1.58)
    assert found.p == pytest.approx(0.002833, abs=1e-6)
    assert (found.low, found.high) == (pytest.approx(0.70011, abs=1e-5), pytest.approx(2.45989, abs=1e-5))
    assert found.p == pytest.approx(stats.ttest_rel(SLEEP["laevo"], SLEEP["dextro"]).pvalue)


def test_only_shared_seeds_are_paired() -> None:
    found = change({0: 1.0, 1: 2.0, 2: 4.0, 9: 50.0}, {0: 1.5, 1: 2.4, 2: 4.7, 8: -50.0})
    assert found is not None and found.n == 3 and found.value == pytest.approx(-1.6 / 3)
    assert found.p == pytest.approx(stats.ttest_rel([1, 2, 4], [1.5, 2.4, 4.7]).pvalue)


def test_without_a_shared_seed_it_is_welchs_test() -> None:
    own, base = SLEEP["laevo"][:5], SLEEP["dextro"]
    found = change({f"a{i}": v for i, v in enumerate(own)}, {f"b{i}": v for i, v in enumerate(base)})
    low, high = CompareMeans(DescrStatsW(own), DescrStatsW(base)).tconfint_diff(usevar="unequal")
    assert found is not None and found.design == "unpaired" and found.n == 5
    assert (found.low, found.high) == (pytest.approx(low), pytest.approx(high))
    assert found.p == pytest.approx(stats.ttest_ind(own, base, equal_var=False).pvalue)


def test_one_seed_tells_nothing() -> None:
    found = change({0: 1.0}, {0: 2.0, 1: 3.0})
    assert found == Change(-1.0, 1, "single") and found.verdict("lower") == "untold"
    assert change_text(LOWER, found) == "one seed: cannot be told (better by 1)"
    assert change({}, {0: 1.0}) is None


def test_what_does_not_vary_needs_no_test() -> None:
    same, shifted = change({0: 1.0, 1: 2.0}, {0: 1.0, 1: 2.0}), change({0: 1.5, 1: 2.5}, {0: 1.0, 1: 2.0})
    assert same is not None and same.verdict("lower") == "same" and change_text(LOWER, same) == "the same"
    assert shifted is not None and shifted.verdict("lower") == "worse" and shifted.p == 0.0
    assert change_text(LOWER, shifted) == "worse by 0.5"


@settings(max_examples=15)
@given(some.lists(some.none() | some.floats(0, 1), min_size=1, max_size=12))
def test_holms_correction(ps: list[float | None]) -> None:
    found = holm([None if p is None else Change(0.1, 3, "paired", 0.0, 0.2, p) for p in ps])
    tested = [p for p in ps if p is not None]
    wanted = list(multipletests(tested, method="holm")[1]) if tested else []
    assert [one.adjusted for one in found if one is not None] == pytest.approx(wanted)
    assert [one is None for one in found] == [p is None for p in ps]


def test_words() -> None:
    clear = Change(-0.12, 3, "paired", -0.16, -0.08, 0.004, 0.008)
    assert change_text(LOWER, clear) == "better by 0.120 [0.080, 0.160]"
    assert change_text(Metric("fit.accuracy", "higher"), clear) == "worse by 0.120 [0.080, 0.160]"
    assert change_text(Metric("pairs.preference", "", target=50.0), clear) == "lower by 0.120 [0.080, 0.160]"
    noise = Change(0.01, 3, "paired", -0.05, 0.07, 0.6, 0.6)
    assert change_text(LOWER, noise) == "within the noise (worse by 0.010 [−0.050, 0.070])"
    # The interval alone would call this a difference; with nine other comparisons it is none.
    many = Change(-0.12, 3, "paired", -0.2, -0.04, 0.02, 0.18)
    assert many.verdict("lower") == "noise" and "p = 0.18 corrected" in change_text(LOWER, many)
    assert estimate_text(LOWER, estimate([3.0, 3.1, 3.2])) == "3.10 [2.85, 3.35]"
    assert estimate_text(LOWER, estimate([3.0])) == "3"


@settings(max_examples=50)
@given(some.lists(some.floats(-1e6, 1e6), min_size=2, max_size=6))
def test_an_interval_holds_its_mean(values: list[float]) -> None:
    found = estimate(values)
    assert found.low is not None and found.high is not None and math.isfinite(found.low)
    slack = 1e-9 * max(1.0, *map(abs, values))
    assert found.low - slack <= found.mean <= found.high + slack
