"""The linear layers of a model."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    import torch


def linear_layers(model: Any, head: bool) -> dict[str, torch.nn.Module]:
    """Every linear layer by name, among them the `Conv1D` of GPT-2, whose weight is (in, out); the output head, over
    vocabulary or labels, only if `head`."""
    import torch
    from transformers.pytorch_utils import Conv1D

    tops = (model.get_output_embeddings(), *(getattr(model, name, None) for name in ("score", "classifier")))
    heads = {id(part) for top in tops if top is not None for part in top.modules()}
    return {
        name: module
        for name, module in model.named_modules()
        if isinstance(module, (torch.nn.Linear, Conv1D)) and (head or id(module) not in heads)
    }


def is_transposed(layer: torch.nn.Module) -> bool:
    """Whether the weight of a linear layer is (in, out)."""
    import torch

    return not isinstance(layer, torch.nn.Linear)
