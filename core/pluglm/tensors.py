"""Tensors that are cut over processes: put together, and cut again."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from typing import Any, TypeVar

import torch
from torch.distributed.tensor import DTensor, distribute_tensor

T = TypeVar("T", bound=torch.Tensor)


def whole(tensor: torch.Tensor) -> torch.Tensor:
    """The whole tensor, on the CPU and in memory of its own. A DTensor is put together, for which all processes of its
    mesh must call this."""
    tensor = tensor.detach()
    if isinstance(tensor, DTensor):
        tensor = tensor.full_tensor()
    return tensor.to("cpu", copy=True).contiguous()


def whole_tree(tree: Any) -> Any:
    """Nested dicts, lists and tuples with every tensor in them whole."""
    if isinstance(tree, torch.Tensor):
        return whole(tree)
    if isinstance(tree, Mapping):
        return {key: whole_tree(value) for key, value in tree.items()}
    if isinstance(tree, (list, tuple)):
        return type(tree)(whole_tree(value) for value in tree)
    return tree


def cut_like(tensor: torch.Tensor, like: torch.Tensor) -> torch.Tensor:
    """A whole tensor, which every process has, cut as `like` is; as it is where `like` is not cut."""
    if not isinstance(like, DTensor):
        return tensor.to(like.device)
    here = tensor.to(like.device_mesh.device_type)
    return distribute_tensor(here, like.device_mesh, like.placements, src_data_rank=None)


def copy_whole(target: torch.Tensor, source: torch.Tensor) -> None:
    """Set `target`, in place, to its part of the whole `source`."""
    with torch.no_grad():
        target.copy_(cut_like(source, target))


def by_mesh(tensors: Iterable[T]) -> list[list[T]]:
    """The tensors in lists that one kernel can take at once: plain ones, and DTensors of one mesh."""
    meshes: dict[Any, list[T]] = {}
    for tensor in tensors:
        meshes.setdefault(tensor.device_mesh if isinstance(tensor, DTensor) else None, []).append(tensor)
    return list(meshes.values())


def groups_by_mesh(groups: Iterable[Mapping[str, Any]]) -> list[dict[str, Any]]:
    """An optimizer's parameter groups, each divided into parts that one kernel can take at once."""
    return [{**group, "params": part} for group in groups for part in by_mesh(group["params"])]


def total_norm(tensors: Sequence[torch.Tensor]) -> torch.Tensor:
    """The norm of all of them as one vector, a scalar. DTensors may lie on several meshes."""
    norms = []
    for group in by_mesh(tensors):
        norm = torch.nn.utils.get_total_norm(group)
        norms.append(norm.full_tensor() if isinstance(norm, DTensor) else norm)
    return norms[0] if len(norms) == 1 else torch.linalg.vector_norm(torch.stack(norms))
