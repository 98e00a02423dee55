"""Values at every step against the schedules of `transformers`, and the ends by hand."""

from __future__ import annotations

import math

import pytest
import torch
import transformers
from pydantic import ValidationError

from pluglm_schedules.constant import Constant
from pluglm_schedules.cosine import Cosine
from pluglm_schedules.linear import Linear

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


def test_warmup_is_a_share_or_a_number_of_steps():
    assert Linear(warmup=0.1).factor(5, 100) == pytest.approx(0.5)
    assert Linear(warmup=20).factor(5, 100) == pytest.approx(0.25)


@pytest.mark.parametrize("wrong", [-0.1, 1.1])
def test_shares_lie_between_0_and_1(wrong):
    with pytest.raises(ValidationError):
        Linear(end_ratio=wrong)
    with pytest.raises(ValidationError):
        Cosine(min_ratio=wrong)
