"""Optimizers."""

from __future__ import annotations

import copy
from typing import TYPE_CHECKING, Any

import pytest

from pluglm import Optimizer
from pluglm.testing.outcomes import descend, strangers
from pluglm.testing.parameters import groups, weights

if TYPE_CHECKING:
    import torch

pytestmark = [pytest.mark.family("optimizer"), pytest.mark.usefixtures("untouched_randomness")]


def test_steps_go_down(technique: Optimizer) -> None:
    tensors = weights()
    start = descend(technique.build(groups(tensors)), tensors, 200)
    end = sum(float(tensor.detach().square().sum()) for tensor in tensors)
    assert end < start, "200 steps down a bowl did not go down"


def push(optimizer: torch.optim.Optimizer, tensors: list[torch.Tensor], steps: range) -> None:
    """A step for each number, with gradients that are drawn by it."""
    import torch

    for step in steps:
        generator = torch.Generator().manual_seed(step)
        for tensor in tensors:
            tensor.grad = torch.randn(tensor.shape, generator=generator)
        optimizer.step()


def test_state_dict_holds_all_that_it_remembers(technique: Optimizer) -> None:
    import torch

    whole, cut = weights(), weights()
    push(technique.build(groups(whole)), whole, range(7))
    first = technique.build(groups(cut))
    push(first, cut, range(4))
    state = copy.deepcopy(first.state_dict())
    assert not (strange := strangers(state)), f"a checkpoint cannot hold {strange}"
    second = technique.build(groups(cut))
    second.load_state_dict(state)
    push(second, cut, range(4, 7))
    assert all(torch.equal(a, b) for a, b in zip(whole, cut, strict=True)), "other weights after a resume"


def decayed(kind: type[Optimizer], values: dict[str, Any]) -> tuple[torch.optim.Optimizer, list[torch.Tensor]]:
    """It with a weight decay, after a step without a gradient."""
    import torch

    tensors = weights()
    optimizer = kind.model_validate({**values, "weight_decay": 0.1}).build(groups(tensors))
    for tensor in tensors:
        tensor.grad = torch.zeros_like(tensor)
    optimizer.step()
    return optimizer, tensors


def test_weight_decay_of_a_group_is_obeyed(kind: type[Optimizer], values: dict[str, Any]) -> None:
    import torch

    _, tensors = decayed(kind, values)
    for before, after, role in list(zip(weights(), tensors, ("matrix", "embedding", "vector"), strict=True))[1:]:
        assert torch.equal(before, after), f"the {role} decayed, though its group has weight_decay 0"


def test_learning_rate_of_a_group_is_obeyed(kind: type[Optimizer], values: dict[str, Any]) -> None:
    import torch

    optimizer, tensors = decayed(kind, values)
    now = [tensor.detach().clone() for tensor in tensors]
    for group in optimizer.param_groups:
        group["lr"] = 0.0
    descend(optimizer, tensors, 1)
    moved = not all(torch.equal(a, b) for a, b in zip(now, tensors, strict=True))
    assert not moved, 'weights moved at a learning rate of 0; the schedule sets group["lr"], which a step must read'
