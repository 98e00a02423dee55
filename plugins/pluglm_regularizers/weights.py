"""Which weights a penalty is about."""

from __future__ import annotations

from typing import TYPE_CHECKING, Literal

if TYPE_CHECKING:
    import torch

Which = Literal["matrices", "all"]


def penalised(model: torch.nn.Module, which: Which) -> list[torch.nn.Parameter]:
    """The trainable parameters of `model`: all of them, or the matrices that are no embedding (nor tied to one)."""
    import torch

    embeddings = {id(part.weight) for part in model.modules() if isinstance(part, torch.nn.Embedding)}
    return [
        parameter
        for parameter in model.parameters()
        if parameter.requires_grad and (which == "all" or (parameter.ndim >= 2 and id(parameter) not in embeddings))
    ]
