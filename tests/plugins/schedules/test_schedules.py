"""Values at every step against the schedules of `transformers`, and the ends by hand."""

from __future__ import annotations

import math
from typing import Any

import pytest
import torch
import transformers
from pydantic import ValidationError

from pluglm import ConfigError
from pluglm.config.compose import compose
from pluglm_schedules.constant import Constant
from pluglm_schedules.cosine import Cosine
from pluglm_schedules.inverse_sqrt import InverseSqrt
from pluglm_schedules.linear import Linear
from pluglm_schedules.polynomial import Polynomial
from pluglm_schedules.wsd import Wsd

STEPS = 50


def of_transformers(name, warmup, **keywords):
    optimizer = torch.optim.SGD([torch.nn.Parameter(torch.zeros(1))], lr=1.0)
    scheduler = getattr(transformers, name)(optimizer, num_warmup_steps=warmup, **keywords)
    factors = []
    for _ in range(STEPS):
        factors.append(scheduler.get_last_lr()[0])
        optimizer.step()
        scheduler.step()
    return factors


@pytest.mark.parametrize("warmup", [0, 1, 10])
@pytest.mark.parametrize(
    ("technique", "name", "keywords"),
    [
        (Constant, "get_constant_schedule_with_warmup", {}),
        (Linear, "get_linear_schedule_with_warmup", {"num_training_steps": STEPS}),
        (lambda **k: Cosine(min_ratio=0, **k), "get_cosine_schedule_with_warmup", {"num_training_steps": STEPS}),
        (InverseSqrt, "get_inverse_sqrt_schedule", {}),
        (lambda **k: InverseSqrt(timescale=7, **k), "get_inverse_sqrt_schedule", {"timescale": 7}),
        (
            lambda **k: Polynomial(power=3, end_ratio=0.2, **k),
            "get_polynomial_decay_schedule_with_warmup",
            {"num_training_steps": STEPS, "power": 3, "lr_end": 0.2},
        ),
        *(
            (
                lambda shape=shape, **k: Wsd(decay=0.3, shape=shape, **k),
                "get_wsd_schedule",
                {"num_training_steps": STEPS, "num_decay_steps": 15, "decay_type": shape},
            )
            for shape in ("1-sqrt", "linear", "cosine")
        ),
    ],
)
def test_it_is_the_schedule_of_transformers(technique, name, keywords, warmup):
    schedule = technique(warmup=warmup)
    ours = [schedule.factor(step, STEPS) for step in range(STEPS)]
    assert ours == pytest.approx(of_transformers(name, warmup, **keywords), abs=1e-12)


def test_cosine_to_a_share_is_that_of_transformers():
    schedule = Cosine(min_ratio=0.2, warmup=5)
    name = "get_cosine_with_min_lr_schedule_with_warmup"
    theirs = of_transformers(name, 5, num_training_steps=STEPS, min_lr_rate=0.2)
    assert [schedule.factor(step, STEPS) for step in range(STEPS)] == pytest.approx(theirs, abs=1e-12)


def test_values_by_hand():
    linear, cosine = Linear(end_ratio=0.5), Cosine(min_ratio=0.1)
    assert [linear.after_warmup(x) for x in (0, 0.5, 1)] == pytest.approx([1, 0.75, 0.5])
    assert [cosine.after_warmup(x) for x in (0, 0.5, 1)] == pytest.approx([1, 0.55, 0.1])
    assert cosine.after_warmup(1 / 3) == pytest.approx(0.1 + 0.9 * (1 + math.cos(math.pi / 3)) / 2)
    assert Constant().after_warmup(0.7) == 1


def test_more_values_by_hand():
    assert [Polynomial(power=2).after_warmup(x) for x in (0, 0.5, 1)] == pytest.approx([1, 0.25, 0])
    assert [InverseSqrt(warmup=4).factor(step, 100) for step in (2, 4, 16, 64)] == pytest.approx([0.5, 1, 0.5, 0.25])
    wsd = Wsd(warmup=10, decay=20, min_ratio=0.2, shape="linear")
    steps = (0, 5, 10, 79, 80, 90, 99)
    assert [wsd.factor(step, 100) for step in steps] == pytest.approx([0, 0.5, 1, 1, 1, 0.6, 0.24])
    assert Wsd(warmup=0, decay=20).factor(85, 100) == pytest.approx(1 - math.sqrt(5 / 20))


def test_an_inverse_root_does_not_depend_on_the_end():
    schedule = InverseSqrt(warmup=10)
    assert [schedule.factor(step, 50) for step in range(50)] == [schedule.factor(step, 500) for step in range(50)]


def test_warmup_and_decay_that_do_not_fit_are_a_problem():
    words = ["train.steps=100", "schedule=wsd", "schedule.warmup=60", "schedule.decay=0.5"]
    with pytest.raises(ConfigError, match=r"schedule\.decay=0\.5.*60 steps.*100"):
        compose(words)
    schedule: Any = compose([*words, "schedule.warmup=50"]).schedule
    assert schedule.decay_steps(100) == 50


def test_warmup_is_a_share_or_a_number_of_steps():
    assert Linear(warmup=0.1).factor(5, 100) == pytest.approx(0.5)
    assert Linear(warmup=20).factor(5, 100) == pytest.approx(0.25)


@pytest.mark.parametrize("wrong", [-0.1, 1.1])
def test_shares_lie_between_0_and_1(wrong):
    with pytest.raises(ValidationError):
        Linear(end_ratio=wrong)
    with pytest.raises(ValidationError):
        Cosine(min_ratio=wrong)
    with pytest.raises(ValidationError):
        Polynomial(end_ratio=wrong)
    with pytest.raises(ValidationError):
        Wsd(min_ratio=wrong)


@pytest.mark.parametrize(
    ("technique", "wrong"), [(Polynomial, {"power": 0}), (Wsd, {"decay": 0}), (InverseSqrt, {"timescale": 0})]
)
def test_what_a_curve_is_made_of_is_positive(technique, wrong):
    with pytest.raises(ValidationError):
        technique(**wrong)
