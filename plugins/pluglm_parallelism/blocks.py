"""The blocks of a transformer."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    import torch


def blocks_of(model: torch.nn.Module) -> list[torch.nn.Module]:
    """The blocks of a model, of all its stacks, in their order: the members of module lists that lie in no other."""
    return list(named_blocks(model).values())


def named_blocks(model: torch.nn.Module) -> dict[str, torch.nn.Module]:
    """The same by their names in the model."""
    from torch import nn

    found: dict[str, nn.Module] = {}

    def look(module: nn.Module, prefix: str) -> None:
        for name, child in module.named_children():
            if isinstance(child, nn.ModuleList):
                found.update({f"{prefix}{name}.{number}": block for number, block in child.named_children()})
            else:
                look(child, f"{prefix}{name}.")

    look(model, "")
    return found
