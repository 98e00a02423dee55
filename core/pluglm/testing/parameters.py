"""A few tensors to optimize, in the groups that optimizers tell apart."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    import torch


def weights() -> list[torch.Tensor]:
    """A matrix, an embedding and a vector, always the same."""
    import torch

    generator = torch.Generator().manual_seed(3)
    return [torch.nn.Parameter(torch.randn(shape, generator=generator)) for shape in ((6, 4), (8, 4), (4,))]


def groups(tensors: list[torch.Tensor]) -> list[dict[str, Any]]:
    """The groups that the core hands to optimizers."""
    matrix, embedding, vector = tensors
    return [
        {"params": [matrix], "role": "matrix"},
        {"params": [embedding], "role": "embedding", "weight_decay": 0.0},
        {"params": [vector], "role": "vector", "weight_decay": 0.0},
    ]
