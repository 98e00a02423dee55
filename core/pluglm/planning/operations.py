"""Floating-point operations of code as it runs.

This module brings torch with it: import it where it is used.
"""

from __future__ import annotations

from typing import Any

import torch
from torch.utils.flop_counter import FlopCounterMode

aten = torch.ops.aten


def _products(queries: Any, keys: Any, values: Any) -> int:
    """Of softmax(Q K^T) V, whose shapes are (batch, heads, length, width): two matrix products."""
    batch, heads, length, width = queries
    others = keys[-2]
    return int(2 * batch * heads * length * others * (width + values[-1]))


def _forward(query: Any, key: Any, value: Any, *rest: Any, out_shape: Any = None, **more: Any) -> int:
    return _products(query, key, value)


def _backward(grad: Any, query: Any, key: Any, value: Any, *rest: Any, out_shape: Any = None, **more: Any) -> int:
    return 2 * _products(query, key, value)


# What the fused kernels do, they do not count: here as many operations as attention written out has, without the
# product that they compute a second time in the backward pass to save memory.
ATTENTION: dict[Any, Any] = {
    aten._scaled_dot_product_flash_attention_for_cpu: _forward,
    aten._scaled_dot_product_flash_attention: _forward,
    aten._scaled_dot_product_efficient_attention: _forward,
    aten._scaled_dot_product_cudnn_attention: _forward,
    aten._scaled_dot_product_flash_attention_for_cpu_backward: _backward,
    aten._scaled_dot_product_flash_attention_backward: _backward,
    aten._scaled_dot_product_efficient_attention_backward: _backward,
    aten._scaled_dot_product_cudnn_attention_backward: _backward,
}


def operation_counter() -> FlopCounterMode:
    """Counts the operations of all matrix products within it, two for each multiplication with its addition: torch's
    own counter, with all kernels of attention."""
    return FlopCounterMode(display=False, custom_mapping=ATTENTION)
