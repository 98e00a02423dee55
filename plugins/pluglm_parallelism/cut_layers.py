"""Linear layers whose weights are cut over processes, each of which computes with its own part.

A layer cut by columns gives each process some of the outputs, and one cut by rows takes these and adds up what all
processes made of them (Shoeybi et al. 2019, "Megatron-LM", https://arxiv.org/abs/1909.08053, figure 3).
"""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING, Any

import torch
import torch.distributed as dist
import torch.nn.functional as F
from torch.distributed.tensor import Shard, distribute_tensor
from torch.distributed.tensor.placement_types import _StridedShard

if TYPE_CHECKING:
    from torch.distributed.device_mesh import DeviceMesh


class Copied(torch.autograd.Function):
    """Each process has the same tensor; its gradient is the sum over the processes."""

    @staticmethod
    def forward(ctx: Any, tensor: torch.Tensor, group: dist.ProcessGroup) -> torch.Tensor:
        ctx.group = group
        return tensor.view_as(tensor)

    @staticmethod
    def backward(ctx: Any, gradient: torch.Tensor) -> tuple[torch.Tensor, None]:
        gradient = gradient.clone(memory_format=torch.contiguous_format)
        dist.all_reduce(gradient, group=ctx.group)
        return gradient, None


class Summed(torch.autograd.Function):
    """The sum over the processes, whose gradient each of them has."""

    @staticmethod
    def forward(ctx: Any, tensor: torch.Tensor, group: dist.ProcessGroup) -> torch.Tensor:
        tensor = tensor.clone(memory_format=torch.contiguous_format)
        dist.all_reduce(tensor, group=group)
        return tensor

    @staticmethod
    def backward(ctx: Any, gradient: torch.Tensor) -> tuple[torch.Tensor, None]:
        return gradient, None


def cut_columns(layer: Any, mesh: DeviceMesh, parts: int = 1) -> None:
    """Let `layer`, a `Linear` or a `Conv1D` (whose weight is (in, out)), give this process its share of the outputs, or
    of each of `parts` equal parts of them."""
    dimension, product = _of(layer)
    group = mesh.get_group()
    placement = Shard(dimension) if parts == 1 else _StridedShard(dimension, split_factor=parts)
    _cut(layer, "weight", mesh, placement)
    # The bias of a layer in several parts stays whole: of those, a second cut could not be undone.
    if layer.bias is not None and parts == 1:
        _cut(layer, "bias", mesh, Shard(0))

    def forward(inputs: torch.Tensor) -> torch.Tensor:
        bias = layer.bias
        if bias is not None:
            bias = _share_of(Copied.apply(bias, group), mesh, parts) if parts > 1 else bias.to_local()  # type: ignore[no-untyped-call]
        return product(Copied.apply(inputs, group), layer.weight.to_local(), bias)  # type: ignore[no-untyped-call]

    layer.forward = forward


def cut_rows(layer: Any, mesh: DeviceMesh) -> None:
    """Let `layer` take this process's share of the inputs and give the whole outputs. Its bias is not cut."""
    dimension, product = _of(layer)
    group = mesh.get_group()
    _cut(layer, "weight", mesh, Shard(1 - dimension))

    def forward(inputs: torch.Tensor) -> torch.Tensor:
        outputs: torch.Tensor = Summed.apply(product(inputs, layer.weight.to_local(), None), group)  # type: ignore[no-untyped-call]
        return outputs if layer.bias is None else outputs + layer.bias

    layer.forward = forward


def cut_embedding(layer: torch.nn.Embedding, mesh: DeviceMesh) -> None:
    """Let an embedding give this process its share of the width."""
    _cut(layer, "weight", mesh, Shard(1))
    weight: Any = lambda: layer.weight.to_local()  # type: ignore[attr-defined]  # noqa: E731
    layer.forward = lambda ids: F.embedding(ids, weight())  # type: ignore[method-assign]


def _of(layer: Any) -> tuple[int, Callable[..., torch.Tensor]]:
    """The dimension of the outputs in a layer's weight, and how the layer multiplies."""
    if isinstance(layer, torch.nn.Linear):
        return 0, F.linear

    def product(inputs: torch.Tensor, weight: torch.Tensor, bias: torch.Tensor | None) -> torch.Tensor:
        return F.linear(inputs, weight.T, bias)

    return 1, product


def _cut(layer: Any, name: str, mesh: DeviceMesh, placement: Any) -> None:
    old = getattr(layer, name)
    # Every process has drawn the same weights, so that none has to be told.
    cut = distribute_tensor(old.detach(), mesh, [placement], src_data_rank=None)
    layer.register_parameter(name, torch.nn.Parameter(cut, requires_grad=old.requires_grad))


def _share_of(bias: torch.Tensor, mesh: DeviceMesh, parts: int) -> torch.Tensor:
    return bias.view(parts, mesh.size(), -1)[:, mesh.get_local_rank()].flatten()
