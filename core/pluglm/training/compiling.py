"""Compiling a model."""

from __future__ import annotations

import torch


def layers_of(model: torch.nn.Module) -> list[torch.nn.Module]:
    """The blocks that make up a transformer: the members of its module lists that lie in no other."""
    found: list[torch.nn.Module] = []

    def look(module: torch.nn.Module) -> None:
        for child in module.children():
            if isinstance(child, torch.nn.ModuleList):
                found.extend(child)
            else:
                look(child)

    look(model)
    return found


def compile_layers(model: torch.nn.Module) -> None:
    """Let every block be compiled at its first call. One by one, since they share their code: compiled once, it serves
    all of them, and takes a fraction of what the whole model would."""
    for layer in layers_of(model) or [model]:
        layer.compile()
