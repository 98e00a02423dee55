"""The blocks of a transformer."""

from __future__ import annotations

from typing import TYPE_CHECKING

from pluglm import layer_stacks

if TYPE_CHECKING:
    import torch


def blocks_of(model: torch.nn.Module) -> list[torch.nn.Module]:
    """The blocks of a model, of all its stacks, in their order."""
    return [block for stack in layer_stacks(model).values() for block in stack]
