"""Ten steps against the papers' updates, computed by hand in float64."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
import torch
from pydantic import ValidationError

from pluglm_optimizers import muon
from pluglm_optimizers.adafactor import Adafactor
from pluglm_optimizers.adam import Adam
from pluglm_optimizers.adamw import AdamW
from pluglm_optimizers.lion import Lion
from pluglm_optimizers.muon import Muon
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


def test_lion_is_chen_et_al():
    w, m = START.copy(), 0.0
    for g in GRADIENTS:
        w = w - 0.03 * (np.sign(0.8 * m + (1 - 0.8) * g) + 0.2 * w)
        m = 0.95 * m + (1 - 0.95) * g
    technique = Lion(lr=0.03, beta1=0.8, beta2=0.95, weight_decay=0.2)
    np.testing.assert_allclose(trained(technique), w, rtol=1e-12)


def adafactor_by_hand(start, gradients, lr, power, threshold, eps2, decay):
    """Algorithms 4 and 5 of the paper, with relative steps and with torch's decay by the learning rate."""

    def rms(x):
        return np.sqrt(np.mean(x * x))

    w, rows, columns, v = start.copy(), 0.0, 0.0, 0.0
    for t, g in enumerate(gradients, 1):
        beta = 1 - t**power
        if w.ndim == 2:
            rows = beta * rows + (1 - beta) * (g * g).sum(axis=1, keepdims=True)
            columns = beta * columns + (1 - beta) * (g * g).sum(axis=0, keepdims=True)
            v = rows * columns / rows.sum()
        else:
            v = beta * v + (1 - beta) * g * g
        u = g / np.sqrt(v)
        u = u / max(1, rms(u) / threshold)
        w = (1 - lr * decay) * w - max(eps2, rms(w)) * min(lr, 1 / np.sqrt(t)) * u
    return w


@pytest.mark.parametrize("row", [slice(None), 0], ids=["matrix", "vector"])
def test_adafactor_is_shazeer_and_stern(row):
    # A rate of 0.4 is above 1 / sqrt(t) from the seventh step on.
    technique = Adafactor(lr=0.4, beta2_decay=-0.7, clip_threshold=1.1, eps2=1e-2, weight_decay=0.1)
    weight = torch.nn.Parameter(torch.tensor(START[row]))
    optimizer = technique.build([{"params": [weight], "role": "matrix"}])
    for gradient in GRADIENTS:
        weight.grad = torch.tensor(gradient[row])
        optimizer.step()
    expected = adafactor_by_hand(START[row], GRADIENTS[:, row], 0.4, -0.7, 1.1, 1e-2, 0.1)
    np.testing.assert_allclose(weight.detach().numpy(), expected, rtol=1e-10)


SHAPES = {"matrix": (6, 4), "head": (9, 4), "embedding": (9, 4), "vector": (4,)}


def shaped(seed=0):
    generator = torch.Generator().manual_seed(seed)
    return {role: torch.nn.Parameter(torch.randn(shape, generator=generator)) for role, shape in SHAPES.items()}


def grouped(tensors):
    undecayed = {"embedding": {"weight_decay": 0.0}, "vector": {"weight_decay": 0.0}}
    return [{"params": [tensor], "role": role, **undecayed.get(role, {})} for role, tensor in tensors.items()]


def walk(optimizers, tensors, steps=STEPS, first=0):
    for number in range(first, first + steps):
        gradients = shaped(100 + number)
        for role, tensor in tensors.items():
            tensor.grad = gradients[role].detach().clone()
        for optimizer in optimizers:
            optimizer.step()


@pytest.mark.parametrize("scale", ["original", "match_rms_adamw"])
def test_muon_moves_layers_by_torchs_muon_and_the_rest_by_its_adamw(scale):
    technique = Muon(lr=0.02, adamw_lr=0.01, weight_decay=0.3, momentum=0.9, iterations=4, scale=scale, eps=1e-6)
    ours, theirs = shaped(), shaped()
    walk([technique.build(grouped(ours))], ours)
    layers = torch.optim.Muon(
        [theirs["matrix"]], lr=0.02, weight_decay=0.3, momentum=0.9, ns_steps=4, adjust_lr_fn=scale
    )
    rest = [group for group in grouped(theirs) if group["role"] != "matrix"]
    adamw = torch.optim.AdamW(rest, lr=0.01, betas=(0.9, 0.95), eps=1e-6, weight_decay=0.3, fused=True)
    walk([layers, adamw], theirs)
    for role, tensor in theirs.items():
        assert torch.equal(ours[role], tensor), role


def test_muon_steps_along_an_orthogonal_matrix():
    """One step from zero against the singular vectors of the gradient, which is its own momentum."""
    weight = torch.nn.Parameter(torch.zeros(16, 16))
    optimizer = Muon(lr=1.0, weight_decay=0, scale="original", iterations=9).build(grouped({"matrix": weight}))
    weight.grad = torch.randn(16, 16, generator=torch.Generator().manual_seed(3))
    optimizer.step()
    u, _, v = torch.linalg.svd(weight.grad)
    stretched = torch.diagonal(u.T @ -weight.detach() @ v.T)
    assert ((stretched > 0.6) & (stretched < 1.3)).all(), "Newton and Schulz's singular values lie around 1"


def test_muon_goes_on_from_its_state_with_rates_that_are_set():
    def halved(optimizer):
        for group in optimizer.param_groups:
            group["lr"] *= 0.5

    whole, cut = shaped(), shaped()
    optimizer, first = Muon().build(grouped(whole)), Muon().build(grouped(cut))
    walk([optimizer], whole, 3)
    halved(optimizer)
    walk([optimizer], whole, 3, first=3)
    walk([first], cut, 3)
    second = Muon().build(grouped(cut))
    second.load_state_dict(first.state_dict())
    halved(second)
    walk([second], cut, 3, first=3)
    assert all(torch.equal(whole[role], cut[role]) for role in SHAPES)
    assert [group["lr"] for group in second.param_groups] == [1.5e-3, 1e-3, 1e-3, 1e-3]


def test_muon_leaves_what_is_no_matrix_to_adamw():
    deep = torch.nn.Parameter(torch.randn(2, 3, 4))
    matrix = torch.nn.Parameter(torch.randn(3, 4))
    layers, others = muon.divided([{"params": [deep, matrix], "role": "matrix"}])
    assert layers[0]["params"] == [matrix] and others[0]["params"] == [deep]


@pytest.mark.parametrize(("installed", "wrong"), [("2.8.1+cpu", 1), ("2.9.0", 0), ("3.0.0rc1", 0)])
def test_muon_says_which_torch_it_needs(installed, wrong, monkeypatch):
    monkeypatch.setattr(muon, "version", lambda name: installed)
    unused: Any = None
    found = list(Muon().problems(unused))
    assert len(found) == wrong and all("2.9" in str(problem) and installed in str(problem) for problem in found)


EVERY = [AdamW, Adam, Sgd, Adafactor, Lion, Muon]


@pytest.mark.parametrize("technique", EVERY)
def test_groups_keep_their_own_rates(technique):
    """Layer-wise decay: each group moves as if it were alone with its rate."""
    tensors, alone = shaped(), shaped()
    scaled = [
        {**group, "lr": technique().lr * 0.5**number, "lr_scale": 0.5**number}
        for number, group in enumerate(grouped(tensors))
    ]
    walk([technique().build(scaled)], tensors)
    for number, (role, tensor) in enumerate(alone.items()):
        rates = {
            name: getattr(technique(), name) * 0.5**number for name in ("lr", "adamw_lr") if hasattr(technique(), name)
        }
        walk([technique(**rates).build(grouped({role: tensor}))], {role: tensor})
        torch.testing.assert_close(tensors[role], tensor, rtol=0, atol=0)


@pytest.mark.parametrize(
    "technique",
    [AdamW(weight_decay=0.5), Adam(weight_decay=0.5), Sgd(weight_decay=0.5), Lion(), Adafactor(weight_decay=0.5)],
)
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


@pytest.mark.parametrize("technique", EVERY)
@pytest.mark.parametrize("wrong", [{"lr": 0}, {"weight_decay": -1}, {"layer_decay": 0}, {"layer_decay": 1.1}])
def test_rates_are_positive(technique, wrong):
    with pytest.raises(ValidationError):
        technique(**wrong)


@pytest.mark.parametrize(
    ("technique", "wrong"),
    [
        (Adafactor, {"beta2_decay": 0}),
        (Adafactor, {"clip_threshold": 0.5}),
        (Lion, {"beta1": 1}),
        (Lion, {"beta2": -0.1}),
        (Muon, {"momentum": 1}),
        (Muon, {"iterations": 0}),
        (Muon, {"scale": "none"}),
        (Muon, {"adamw_lr": 0}),
    ],
)
def test_own_parameters_are_constrained(technique, wrong):
    with pytest.raises(ValidationError):
        technique(**wrong)


@pytest.mark.parametrize(
    "wrong", [{"nesterov": True}, {"nesterov": True, "momentum": 0.9, "dampening": 0.1}, {"momentum": 1}]
)
def test_sgd_refuses_impossible_values(wrong):
    with pytest.raises(ValidationError):
        Sgd(**wrong)
