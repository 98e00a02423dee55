"""Floating-point operations of matrix products, two for each multiplication with its addition.

They are those that `torch.utils.flop_counter.FlopCounterMode` counts, with attention as if it were written out: fused
kernels compute one of their products a second time to save memory, and that one is not counted, as is the custom where
utilisation is reported (Chowdhery et al. 2022, https://arxiv.org/abs/2204.02311, appendix B).

This module brings torch with it: import it where it is used.
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import torch
from torch.utils._python_dispatch import TorchDispatchMode
from torch.utils.flop_counter import flop_registry

aten = torch.ops.aten


def _attention(query: torch.Tensor, key: torch.Tensor, value: torch.Tensor, *_: Any, **__: Any) -> int:
    """Of softmax(Q K^T) V: (batch, heads, length, width) each."""
    batch, heads, length, width = query.shape
    return 2 * batch * heads * length * key.shape[-2] * (width + value.shape[-1])


def _attention_backward(grad: Any, query: torch.Tensor, key: torch.Tensor, value: torch.Tensor, *_: Any) -> int:
    return 2 * _attention(query, key, value)


ATTENTION: dict[Any, Any] = {
    aten._scaled_dot_product_flash_attention_for_cpu: _attention,
    aten._scaled_dot_product_flash_attention: _attention,
    aten._scaled_dot_product_efficient_attention: _attention,
    aten._scaled_dot_product_cudnn_attention: _attention,
    aten._scaled_dot_product_flash_attention_for_cpu_backward: _attention_backward,
    aten._scaled_dot_product_flash_attention_backward: _attention_backward,
    aten._scaled_dot_product_efficient_attention_backward: _attention_backward,
    aten._scaled_dot_product_cudnn_attention_backward: _attention_backward,
}


def operations(func: Any, args: Any, kwargs: Any, out: Any) -> int:
    """The operations of one call of an operator of torch."""
    packet = getattr(func, "_overloadpacket", None)
    if packet in ATTENTION:
        return int(ATTENTION[packet](*args))
    count = flop_registry.get(packet)
    return 0 if count is None else int(count(*args, **kwargs, out_val=out))


class OperationCounter(TorchDispatchMode):  # type: ignore[no-untyped-call]
    """Counts the operations of what is computed within it."""

    def __init__(self) -> None:
        super().__init__()  # type: ignore[no-untyped-call]
        self.total = 0

    def __torch_dispatch__(self, func: Any, types: Any, args: Any = (), kwargs: Any = None) -> Any:
        found = func(*args, **(kwargs or {}))
        self.total += operations(func, args, kwargs or {}, found)
        return found


@contextmanager
def counted() -> Iterator[OperationCounter]:
    """A counter of what is computed within it."""
    with OperationCounter() as counter:
        yield counter
