"""Ten steps against the papers' updates, computed by hand in float64."""

from __future__ import annotations

import numpy as np
import pytest
import torch
from pydantic import ValidationError

from pluglm_optimizers.adam import Adam
from pluglm_optimizers.adamw import AdamW
from pluglm_optimizers.sgd import Sgd

STEPS = 10
GENERATOR = np.random.default_rng(0)
START = GENERATOR.normal(size=(3, 4))
GRADIENTS = GENERATOR.normal(size=(STEPS, 3, 4))


def trained(technique, decay_group=None):
    weight = torch.nn.Parameter(torch.tensor(START, dtype=torch.float64))
    group = {"params": [weight], "role": "matrix"} | ({} if decay_group is None else {"weight_decay": decay_group})
    optimizer = technique.build([group])
    for gradient in GRADIENTS:
        weight.grad = torch.tensor(gradient)
        optimizer.step()
    return weight.detach().numpy()


def adam_by_hand(lr, beta1, beta2, eps, coupled=0.0, decoupled=0.0, amsgrad=False):
    w, m, v, largest = START.copy(), 0.0, 0.0, 0.0
    for t, g in enumerate(GRADIENTS, 1):
        w = w - lr * decoupled * w
        g = g + coupled * w
        m = beta1 * m + (1 - beta1) * g
        v = beta2 * v + (1 - beta2) * g * g
        largest = np.maximum(largest, v)
        second = (largest if amsgrad else v) / (1 - beta2**t)
        w = w - lr * (m / (1 - beta1**t)) / (np.sqrt(second) + eps)
    return w


@pytest.mark.parametrize("amsgrad", [False, True])
def test_adamw_is_loshchilov_and_hutter(amsgrad):
    technique = AdamW(lr=0.02, beta1=0.8, beta2=0.9, eps=1e-3, weight_decay=0.3, amsgrad=amsgrad)
    expected = adam_by_hand(0.02, 0.8, 0.9, 1e-3, decoupled=0.3, amsgrad=amsgrad)
    np.testing.assert_allclose(trained(technique), expected, rtol=1e-12)


@pytest.mark.parametrize("amsgrad", [False, True])
def test_adam_is_kingma_and_ba_with_coupled_l2(amsgrad):
    technique = Adam(lr=0.02, beta1=0.8, beta2=0.9, eps=1e-3, weight_decay=0.3, amsgrad=amsgrad)
    expected = adam_by_hand(0.02, 0.8, 0.9, 1e-3, coupled=0.3, amsgrad=amsgrad)
    np.testing.assert_allclose(trained(technique), expected, rtol=1e-12)


@pytest.mark.parametrize(("momentum", "dampening", "nesterov"), [(0, 0, False), (0.9, 0.3, False), (0.9, 0, True)])
def test_sgd_is_its_update(momentum, dampening, nesterov):
    w, b = START.copy(), None
    for g in GRADIENTS:
        g = g + 0.1 * w
        b = g if b is None else momentum * b + (1 - dampening) * g
        w = w - 0.05 * (g + momentum * b if nesterov else b)
    technique = Sgd(lr=0.05, momentum=momentum, dampening=dampening, nesterov=nesterov, weight_decay=0.1)
    np.testing.assert_allclose(trained(technique), w, rtol=1e-12)


@pytest.mark.parametrize("technique", [AdamW(weight_decay=0.5), Adam(weight_decay=0.5), Sgd(weight_decay=0.5)])
def test_a_group_without_decay_has_none(technique):
    same = technique.model_copy(update={"weight_decay": 0.0})
    np.testing.assert_array_equal(trained(technique, decay_group=0.0), trained(same))
    assert not np.allclose(trained(technique), trained(same))


@pytest.mark.parametrize("technique", [AdamW(), Adam()])
def test_one_kernel_does_a_whole_step(technique):
    optimizer = technique.build([{"params": [torch.nn.Parameter(torch.zeros(2))], "role": "vector"}])
    assert optimizer.param_groups[0]["fused"] is True
    elsewhere = technique.build([{"params": [torch.nn.Parameter(torch.zeros(2, device="meta"))], "role": "vector"}])
    assert elsewhere.param_groups[0]["fused"] is False


@pytest.mark.parametrize(
    "wrong", [{"lr": 0}, {"lr": -1}, {"beta1": 1}, {"beta2": 1.0}, {"eps": 0}, {"weight_decay": -1}]
)
@pytest.mark.parametrize("technique", [AdamW, Adam])
def test_adam_refuses_impossible_values(technique, wrong):
    with pytest.raises(ValidationError):
        technique(**wrong)


@pytest.mark.parametrize(
    "wrong", [{"nesterov": True}, {"nesterov": True, "momentum": 0.9, "dampening": 0.1}, {"momentum": 1}]
)
def test_sgd_refuses_impossible_values(wrong):
    with pytest.raises(ValidationError):
        Sgd(**wrong)
