"""The model's parameters in the groups that optimizers tell apart."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    import torch


def parameter_groups(module: torch.nn.Module) -> list[dict[str, Any]]:
    """Trainable parameters by role: "matrix", "embedding", and "vector" for norms and biases. Only matrices decay."""
    import torch

    embeddings = {
        id(parameter)
        for part in module.modules()
        if isinstance(part, torch.nn.Embedding)
        for parameter in part.parameters(recurse=False)
    }
    roles: dict[str, list[torch.nn.Parameter]] = {"matrix": [], "embedding": [], "vector": []}
    for parameter in module.parameters():
        if parameter.requires_grad:
            role = "embedding" if id(parameter) in embeddings else "matrix" if parameter.ndim >= 2 else "vector"
            roles[role].append(parameter)
    groups: list[dict[str, Any]] = []
    for role, parameters in roles.items():
        if parameters:
            undecayed = {} if role == "matrix" else {"weight_decay": 0.0}
            groups.append({"params": parameters, "role": role} | undecayed)
    return groups
