"""The model's parameters in the groups that optimizers tell apart."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    import torch

ROLES = ("matrix", "head", "embedding", "vector")
DECAYED = ("matrix", "head")


def parameter_groups(module: torch.nn.Module, lr: float, layer_decay: float = 1.0) -> list[dict[str, Any]]:
    """Trainable parameters by role: "matrix" for those of the layers, "head" for matrices outside of them, "embedding",
    and "vector" for norms and biases. Only matrices and heads decay.

    With a `layer_decay` below 1 there is a group for each role and depth, with `lr` and the share of the peak rate it
    is, `lr_scale` = layer_decay ** (how many layers lie above it), as in Clark et al. 2020,
    https://arxiv.org/abs/2003.10555; embeddings lie below all layers, heads above. The highest groups come first.
    """
    below = _layers_above(module)
    roles = _roles(module)
    found: dict[tuple[int, int], list[torch.nn.Parameter]] = {}
    for parameter in module.parameters():
        if parameter.requires_grad:
            depth = below[id(parameter)] if layer_decay < 1 else 0
            found.setdefault((depth, ROLES.index(roles[id(parameter)])), []).append(parameter)
    groups: list[dict[str, Any]] = []
    for (depth, number), parameters in sorted(found.items(), key=lambda item: item[0]):
        group: dict[str, Any] = {"params": parameters, "role": ROLES[number]}
        if ROLES[number] not in DECAYED:
            group["weight_decay"] = 0.0
        if layer_decay < 1:
            scale = layer_decay**depth
            group |= {"lr": lr * scale, "lr_scale": scale}
        groups.append(group)
    return groups


def _roles(module: torch.nn.Module) -> dict[int, str]:
    """The role of each parameter by its id. Without stacks of layers every matrix is "matrix"."""
    import torch

    # What wraps an embedding (rows of it that an adapter trains) holds embeddings too.
    embeddings = {
        id(parameter)
        for part in module.modules()
        if isinstance(part, torch.nn.Embedding) or isinstance(getattr(part, "base_layer", None), torch.nn.Embedding)
        for parameter in part.parameters()
    }
    layered = {id(parameter) for stack in layer_stacks(module).values() for parameter in stack.parameters()}
    roles = {}
    for parameter in module.parameters():
        if id(parameter) in embeddings:
            role = "embedding"
        elif parameter.ndim < 2:
            role = "vector"
        else:
            role = "matrix" if id(parameter) in layered or not layered else "head"
        roles[id(parameter)] = role
    return roles


def layer_stacks(module: torch.nn.Module) -> dict[str, torch.nn.ModuleList]:
    """The outermost lists of modules by name: the layers of a decoder, an encoder, or of both."""
    import torch

    stacks: dict[str, torch.nn.ModuleList] = {}
    for name, part in module.named_modules():
        inside = any(name.startswith(f"{outer}.") for outer in stacks)
        if isinstance(part, torch.nn.ModuleList) and len(part) and not inside:
            stacks[name] = part
    return stacks


def _layers_above(module: torch.nn.Module) -> dict[int, int]:
    """How many layers lie above each parameter, by its id: none above those of a head, one more than there are layers
    above those that come before any layer. Each stack is counted from its own top: both ends of a model that reads and
    writes are near the loss."""
    import torch

    stacks = layer_stacks(module)
    bottom = 1 + max((len(stack) for stack in stacks.values()), default=-1)
    above: dict[int, int] = {}
    for stack in stacks.values():
        for place, layer in enumerate(stack):
            above |= {id(parameter): len(stack) - place for parameter in layer.parameters()}
    for part in module.modules():
        if isinstance(part, torch.nn.Embedding):
            above |= {id(p): bottom for p in part.parameters(recurse=False) if id(p) not in above}
    begun = False
    # Modules are named in the order in which they are defined, which is that of the forward pass in `transformers`.
    for parameter in module.parameters():
        begun = begun or above.get(id(parameter), bottom) < bottom
        above.setdefault(id(parameter), 0 if begun else bottom)
    return above
