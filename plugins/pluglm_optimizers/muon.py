"""Muon."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from importlib.metadata import version
from typing import TYPE_CHECKING, Annotated, Any, ClassVar, Literal

from pydantic import Field

from pluglm import Optimizer, Problem
from pluglm_optimizers.fusing import can_fuse

if TYPE_CHECKING:
    import torch

    from pluglm import RunConfig

FIRST_TORCH = (2, 9)
"""The first torch with Muon."""


def divided(groups: Sequence[dict[str, Any]]) -> tuple[list[dict[str, Any]], list[dict[str, Any]]]:
    """The groups with the matrices of the layers, and those with everything else."""
    layers: list[dict[str, Any]] = []
    others: list[dict[str, Any]] = []
    for group in groups:
        flat = [parameter for parameter in group["params"] if parameter.ndim == 2]
        # Tensors of more dimensions (convolutions, stacked experts) are no matrices.
        deep = [parameter for parameter in group["params"] if parameter.ndim != 2]
        if group["role"] != "matrix":
            others.append(group)
            continue
        layers += [{**group, "params": flat}] if flat else []
        others += [{**group, "params": deep}] if deep else []
    return layers, others


class Muon(Optimizer):
    """Steps along the nearest orthogonal matrix of the momentum, in which no direction is larger than another. Only
    the matrices of the layers move so; the output head, embeddings, norms and biases move by AdamW.

    m = momentum m + (1 - momentum) g, u = (1 - momentum) g + momentum m with Nesterov's momentum, else m, O = the
    orthogonal factor of u by Newton and Schulz's iteration, w = (1 - lr weight_decay) w - lr s O, with
    s = 0.2 sqrt(max(rows, columns)), which gives steps of AdamW's size, or s = sqrt(max(1, rows / columns)).

    Sources: Jordan et al. 2024, https://kellerjordan.github.io/posts/muon; Liu et al. 2025,
    https://arxiv.org/abs/2502.16982 (match_rms_adamw)
    """

    works_with_cut: ClassVar = frozenset({"layers"})

    lr: Annotated[float, Field(gt=0, description="Peak learning rate of the layers; the schedule scales it")] = 3e-3
    weight_decay: Annotated[
        float, Field(ge=0, description="Decay of weight matrices; norms, biases and embeddings have none")
    ] = 0.1
    momentum: Annotated[float, Field(ge=0, lt=1, description="Memory of the momentum")] = 0.95
    nesterov: Annotated[bool, Field(description="Look ahead by the momentum")] = True
    iterations: Annotated[int, Field(ge=1, lt=100, description="Steps of Newton and Schulz's iteration")] = 5
    scale: Annotated[
        Literal["match_rms_adamw", "original"], Field(description="How a step's size follows a matrix's shape")
    ] = "match_rms_adamw"
    adamw_lr: Annotated[float, Field(gt=0, description="Peak learning rate of everything else")] = 2e-3
    beta1: Annotated[float, Field(ge=0, lt=1, description="AdamW's memory of the mean of gradients")] = 0.9
    beta2: Annotated[float, Field(ge=0, lt=1, description="AdamW's memory of the mean of squared gradients")] = 0.95
    eps: Annotated[float, Field(gt=0, description="Added to AdamW's denominator")] = 1e-8

    def problems(self, run: RunConfig) -> Iterator[Problem]:
        """torch must have it."""
        installed = tuple(int(part) for part in version("torch").split(".")[:2])
        if installed < FIRST_TORCH:
            reason = f"needs torch 2.9 or newer, and {version('torch')} is installed"
            yield Problem("optimizer", reason, self.name, "pip install -U torch, or choose optimizer=adamw")

    def build(self, groups: Sequence[dict[str, Any]]) -> torch.optim.Optimizer:
        """torch's Muon and AdamW (fused where it can be) as one optimizer."""
        import torch

        from pluglm_optimizers.joined import Joined

        layers, others = divided(groups)
        others = [{**group, "lr": self.adamw_lr * group.get("lr_scale", 1.0)} for group in others]
        parts: list[torch.optim.Optimizer] = []
        if layers:
            parts.append(
                torch.optim.Muon(
                    layers,
                    lr=self.lr,
                    weight_decay=self.weight_decay,
                    momentum=self.momentum,
                    nesterov=self.nesterov,
                    ns_steps=self.iterations,
                    adjust_lr_fn=self.scale,
                )
            )
        if others:
            adamw = torch.optim.AdamW(
                others,
                lr=self.adamw_lr,
                betas=(self.beta1, self.beta2),
                eps=self.eps,
                weight_decay=self.weight_decay,
                fused=can_fuse(others),
            )
            parts.append(adamw)
        return Joined(parts)
