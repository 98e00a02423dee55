"""What changes during training, put together out of all processes, and given back to them."""

from __future__ import annotations

from collections.abc import Mapping, Set
from typing import Any

import torch
from torch.distributed.tensor import DTensor, Replicate

from pluglm.tensors import copy_whole, cut_like, whole_tree
from pluglm.training.step_module import StepModule


def named_tensors(module: torch.nn.Module) -> dict[str, torch.Tensor]:
    """Parameters and buffers, persistent or not, by name; a tied weight once, which safetensors demands."""
    return dict(module.named_parameters()) | {f"{name}#": value for name, value in module.named_buffers()}


def whole_state(
    module: torch.nn.Module, optimizer: torch.optim.Optimizer, techniques: Mapping[str, Any]
) -> dict[str, Any]:
    """Weights, optimizer and techniques' states as this process knows them, every tensor whole and on the CPU.

    The optimizer's state is by the names of parameters, so that it does not depend on which of them a process holds.
    """
    return {
        "weights": whole_tree(named_tensors(module)),
        "optimizer": whole_tree(_by_name(module, optimizer)),
        "techniques": whole_tree(techniques),
    }


def restore_state(
    state: Mapping[str, Any],
    module: StepModule,
    optimizer: torch.optim.Optimizer,
    techniques: dict[str, dict[str, Any]],
) -> None:
    """Set weights, optimizer and techniques' states in place, each process its own part of the whole `state`."""
    restore_model(state, module, techniques)
    optimizer.load_state_dict(_by_number(module, optimizer, state["optimizer"]))


def restore_model(state: Mapping[str, Any], module: StepModule, techniques: dict[str, dict[str, Any]]) -> None:
    """Set weights and techniques' states alone.

    A tensor in the state of a technique under the name of a parameter of the model is cut as that parameter is, and
    left out in a process that does not hold the parameter.
    """
    own: dict[str, torch.Tensor] = dict(module.model.named_parameters())
    elsewhere = {name.removeprefix("model.") for name in state["weights"]} - own.keys()
    for name, tensor in named_tensors(module).items():
        copy_whole(tensor, state["weights"][name])
    for path, saved in state["techniques"].items():
        techniques[path].clear()
        techniques[path].update(_cut_tree(saved, own, elsewhere))


def _names(module: torch.nn.Module, optimizer: torch.optim.Optimizer) -> list[str]:
    by_identity = {id(parameter): name for name, parameter in module.named_parameters()}
    return [by_identity[id(parameter)] for group in optimizer.param_groups for parameter in group["params"]]


def _group_names(optimizer: torch.optim.Optimizer) -> list[str]:
    # By what a group is and not by its place: a process may lack one that others have.
    return [f"{group.get('role', n)} {group.get('lr_scale', 1.0)}" for n, group in enumerate(optimizer.param_groups)]


def _by_name(module: torch.nn.Module, optimizer: torch.optim.Optimizer) -> dict[str, Any]:
    saved, names = optimizer.state_dict(), _names(module, optimizer)
    options = [{k: v for k, v in group.items() if k != "params"} for group in saved["param_groups"]]
    return {
        "state": {names[number]: values for number, values in saved["state"].items()},
        "groups": dict(zip(_group_names(optimizer), options, strict=True)),
    }


def _by_number(module: torch.nn.Module, optimizer: torch.optim.Optimizer, saved: Mapping[str, Any]) -> dict[str, Any]:
    own, names, parameters = optimizer.state_dict(), _names(module, optimizer), dict(module.named_parameters())
    state = {
        number: {key: _like_parameter(value, parameters[name]) for key, value in saved["state"][name].items()}
        for number, name in enumerate(names)
        if name in saved["state"]
    }
    groups = [
        {**group, **saved["groups"].get(name, {})}
        for name, group in zip(_group_names(optimizer), own["param_groups"], strict=True)
    ]
    return {"state": state, "param_groups": groups}


def _like_parameter(value: Any, parameter: torch.Tensor) -> Any:
    if not isinstance(value, torch.Tensor) or not isinstance(parameter, DTensor) or value.ndim == 0:
        return value
    if value.shape == parameter.shape:
        return cut_like(value, parameter)
    # A summary of a weight, such as the means of its rows, is small and whole everywhere.
    mesh = parameter.device_mesh
    return DTensor.from_local(value.to(mesh.device_type), mesh, [Replicate()] * mesh.ndim, run_check=False)


def _cut_tree(tree: Any, own: Mapping[str, torch.Tensor], elsewhere: Set[str]) -> Any:
    if not isinstance(tree, dict):
        return tree
    cut = {}
    for key, value in tree.items():
        if not isinstance(value, torch.Tensor):
            cut[key] = _cut_tree(value, own, elsewhere)
        elif key in own and value.shape == own[key].shape:
            cut[key] = cut_like(value, own[key])
        elif key not in elsewhere:
            cut[key] = value
    return cut
