"""State by the names of parameters: given back to processes that hold all of them, parts of them, or some."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import pytest
import torch
import torch.distributed as dist
from torch.distributed.device_mesh import DeviceMesh, init_device_mesh
from torch.distributed.tensor import DTensor, Replicate, Shard, distribute_tensor

from pluglm.tensors import by_mesh, copy_whole, cut_like, groups_by_mesh, total_norm, whole_tree
from pluglm.training.state import restore_model, restore_state, whole_state
from pluglm.training.step_module import StepModule


@pytest.fixture(scope="module")
def meshes() -> Iterator[tuple[DeviceMesh, DeviceMesh]]:
    """Two of a group of this process alone: everything but the cut itself is as with many."""
    dist.init_process_group("gloo", rank=0, world_size=1, store=dist.HashStore())  # type: ignore[attr-defined]
    yield init_device_mesh("cpu", (1,)), init_device_mesh("cpu", (1, 1))
    dist.destroy_process_group()


class Two(torch.nn.Module):
    def __init__(self, *names: str) -> None:
        super().__init__()
        torch.manual_seed(len(names))
        for name in names:
            setattr(self, name, torch.nn.Linear(3, 2))


def no_loss(*_: Any, **__: Any) -> Any:
    raise AssertionError


def trained(*names: str, steps: int = 2) -> tuple[StepModule, torch.optim.Optimizer]:
    module = StepModule(Two(*names), torch.nn.ModuleDict(), no_loss, no_loss)
    groups = [{"params": [p for p in module.parameters() if p.ndim == n], "role": f"{n}"} for n in (2, 1)]
    optimizer = torch.optim.AdamW(groups, lr=0.1)
    for step in range(steps):
        for parameter in module.parameters():
            parameter.grad = torch.full_like(parameter, step + 1.0)
        optimizer.step()
    return module, optimizer


def test_state_is_by_names_and_whole() -> None:
    module, optimizer = trained("first", "second")
    state = whole_state(module, optimizer, {"a.b": {"count": 1}})
    names = {f"model.{layer}.{kind}" for layer in ("first", "second") for kind in ("weight", "bias")}
    assert state["weights"].keys() == state["optimizer"]["state"].keys() == names
    assert state["optimizer"]["state"]["model.first.weight"]["exp_avg"].shape == (2, 3)
    assert state["techniques"] == {"a.b": {"count": 1}}
    with torch.no_grad():
        module.model.first.weight.add_(1)
    assert not torch.equal(state["weights"]["model.first.weight"], module.model.first.weight), "not in its own memory"


def test_a_process_with_some_of_the_parameters_takes_its_own() -> None:
    module, optimizer = trained("first", "second")
    best = {name: parameter.detach() + 1 for name, parameter in module.model.named_parameters()}
    state = whole_state(module, optimizer, {"a.b": {"weights": best, "noise": torch.ones(3), "count": 1}})
    part, its_optimizer = trained("second", steps=1)
    states: dict[str, dict[str, Any]] = {"a.b": {"old": 0}}
    restore_state(state, part, its_optimizer, states)
    assert torch.equal(part.model.second.weight, module.model.second.weight)
    for name, parameter in part.model.named_parameters():
        ours, theirs = its_optimizer.state[parameter], optimizer.state[module.model.get_parameter(name)]
        assert torch.equal(ours["exp_avg_sq"], theirs["exp_avg_sq"]) and float(ours["step"]) == 2
    # What belongs to parameters of other processes stays there; what belongs to none is everywhere.
    assert states["a.b"].keys() == {"weights", "noise", "count"}
    assert states["a.b"]["weights"].keys() == {"second.weight", "second.bias"}
    assert torch.equal(states["a.b"]["weights"]["second.bias"], best["second.bias"])


def test_the_model_alone() -> None:
    module, optimizer = trained("first", "second")
    state = whole_state(module, optimizer, {"a.b": {"count": 3}})
    other, _ = trained("first", "second", steps=0)
    states: dict[str, dict[str, Any]] = {"a.b": {}}
    restore_model(state, other, states)
    assert torch.equal(other.model.first.bias, module.model.first.bias) and states == {"a.b": {"count": 3}}


def test_cut_parameters_get_cut_state(meshes: tuple[DeviceMesh, DeviceMesh]) -> None:
    module, optimizer = trained("first")
    best = {"first.weight": module.model.first.weight.detach().clone()}
    state = whole_state(module, optimizer, {"a.b": best})
    # A summary of the weight, as a factored optimizer keeps it.
    state["optimizer"]["state"]["model.first.weight"]["rows"] = torch.ones(2)
    cut, its_optimizer = trained("first", steps=0)
    cut.model.first.weight = torch.nn.Parameter(distribute_tensor(torch.zeros(2, 3), meshes[0], [Shard(0)]))
    groups = [{"params": [p for p in cut.parameters() if p.ndim == n], "role": f"{n}"} for n in (2, 1)]
    its_optimizer = torch.optim.AdamW(groups, lr=0.5)
    states: dict[str, dict[str, Any]] = {"a.b": {}}
    restore_state(state, cut, its_optimizer, states)
    ours = its_optimizer.state[cut.model.first.weight]
    assert isinstance(ours["exp_avg"], DTensor) and ours["exp_avg"].placements == (Shard(0),)
    assert ours["rows"].placements == (Replicate(),) and not isinstance(ours["step"], DTensor)
    assert not isinstance(its_optimizer.state[cut.model.first.bias]["exp_avg"], DTensor)
    assert isinstance(states["a.b"]["first.weight"], DTensor)
    assert its_optimizer.param_groups[0]["lr"] == 0.1, "options of a group are those that were saved"
    again = whole_state(cut, its_optimizer, states)
    assert torch.equal(again["weights"]["model.first.weight"], state["weights"]["model.first.weight"])
    assert not isinstance(again["techniques"]["a.b"]["first.weight"], DTensor)


def test_tensors_are_divided_by_mesh(meshes: tuple[DeviceMesh, DeviceMesh]) -> None:
    plain = torch.full((2,), 3.0)
    one, other = (distribute_tensor(torch.full((2, 2), 2.0), mesh, [Shard(0)] * mesh.ndim) for mesh in meshes)
    parts = by_mesh([plain, one, other, plain])
    assert [len(part) for part in parts] == [2, 1, 1] and parts[0][0] is plain and parts[2][0] is other
    groups = groups_by_mesh([{"params": [plain, one], "role": "a", "weight_decay": 0.0}, {"params": [other]}])
    assert [(len(g["params"]), g.get("role"), g.get("weight_decay")) for g in groups] == [
        (1, "a", 0.0),
        (1, "a", 0.0),
        (1, None, None),
    ]
    # 2 x 9 + 4 x 4 + 4 x 4.
    assert float(total_norm([plain, one, other])) == pytest.approx(50**0.5)


def test_whole_and_cut_again(meshes: tuple[DeviceMesh, DeviceMesh]) -> None:
    tensor = torch.arange(6.0).reshape(3, 2)
    cut = distribute_tensor(torch.zeros(3, 2), meshes[1], [Replicate(), Shard(0)])
    copy_whole(cut, tensor)
    tree = whole_tree({"a": [cut, 1], "b": ("x", None)})
    assert torch.equal(tree["a"][0], tensor) and tree["a"][1] == 1 and tree["b"] == ("x", None)
    again: Any = cut_like(tensor, cut)
    assert again.placements == cut.placements and torch.equal(again.full_tensor(), tensor)
    assert cut_like(tensor, torch.zeros(1)) is tensor
