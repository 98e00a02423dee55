"""Schedules."""

from __future__ import annotations

import math

import pytest

from pluglm import Schedule

pytestmark = [pytest.mark.family("schedule"), pytest.mark.usefixtures("untouched_randomness")]

LENGTHS = (1, 2, 10, 1000)


def test_factor_is_between_0_and_1(technique: Schedule) -> None:
    factors = [technique.factor(step, steps) for steps in LENGTHS for step in range(steps)]
    assert all(math.isfinite(factor) and 0 <= factor <= 1 + 1e-9 for factor in factors)


def test_factor_is_not_always_0(technique: Schedule) -> None:
    assert any(technique.factor(step, 1000) for step in range(1000)), "nothing would ever be learned"


def test_factor_depends_on_the_step_alone(technique: Schedule) -> None:
    for steps in LENGTHS:
        forwards = [technique.factor(step, steps) for step in range(steps)]
        assert forwards == [technique.factor(step, steps) for step in reversed(range(steps))][::-1]
