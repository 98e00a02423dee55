"""Compiling a model."""

from __future__ import annotations

import torch

from pluglm.training.parameters import layer_stacks


def compile_layers(model: torch.nn.Module) -> None:
    """Let every layer be compiled at its first call; the whole model where it has no stack of layers.

    One by one, since layers share their code: what is compiled once serves all of them, in a fraction of the time that
    the whole model takes.
    """
    stacks = layer_stacks(model).values()
    for layer in [layer for stack in stacks for layer in stack] or [model]:
        layer.compile()
