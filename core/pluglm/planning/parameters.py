"""How many parameters a model has, and what they do."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    import torch

ATTENTION = ("attn", "attention", "selfattention")
FEED_FORWARD = ("mlp", "ffn", "feedforward", "feed_forward", "densereludense", "intermediate", "fc1", "fc2", "output")
"""Parts of module names in `transformers`; of two that fit, the outer one counts."""


def by_role(model: torch.nn.Module) -> dict[str, int]:
    """Parameters, each counted once: `all`, `trainable`, and of all `embedding`, `attention`, `feed_forward`, `norm`,
    `head` and `other`. Output weights that are the embedding are embedding."""
    from pluglm.training.parameters import layer_stacks

    layered = [f"{name}." for name in layer_stacks(model)]
    counts = dict.fromkeys(("all", "trainable", "embedding", "attention", "feed_forward", "norm", "head", "other"), 0)
    for name, parameter in model.named_parameters():
        size = parameter.numel()
        counts["all"] += size
        counts["trainable"] += size if parameter.requires_grad else 0
        counts[_role(name, model, any(name.startswith(stack) for stack in layered))] += size
    return counts


def _role(name: str, model: torch.nn.Module, in_layer: bool) -> str:
    import torch

    parts = name.split(".")
    module = model.get_submodule(".".join(parts[:-1]))
    if isinstance(module, torch.nn.Embedding):
        return "embedding"
    if "norm" in type(module).__name__.lower():
        return "norm"
    if not in_layer:
        return "head"
    for part in parts:
        word = part.lower()
        if any(key in word for key in ATTENTION):
            return "attention"
        if any(key in word for key in FEED_FORWARD):
            return "feed_forward"
    return "other"
