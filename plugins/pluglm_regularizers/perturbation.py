"""Perturbations of embeddings within a ball around each example."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from pluglm import Batch, Losses, LossFunction, PluglmError

if TYPE_CHECKING:
    import torch
    from transformers import PreTrainedModel


def lengths(delta: torch.Tensor) -> torch.Tensor:
    """(batch, 1, 1) Euclidean length of each example's (tokens, width) part."""
    found: torch.Tensor = delta.flatten(1).norm(dim=1)[:, None, None].clamp(min=1e-12)
    return found


def within(delta: torch.Tensor, epsilon: float) -> torch.Tensor:
    """The nearest perturbation whose examples are no longer than `epsilon`."""
    return delta * (epsilon / lengths(delta)).clamp(max=1.0)


def ascended(delta: torch.Tensor, gradient: torch.Tensor, step_size: float, epsilon: float) -> torch.Tensor:
    """One step of `step_size` along the gradient, each example by itself, and back into the ball."""
    return within(delta.detach() + step_size * gradient / lengths(gradient), epsilon).requires_grad_()


def drawn(delta: torch.Tensor, epsilon: float, kept: torch.Tensor) -> torch.Tensor:
    """Like `delta`, uniform in a cube within the ball, from torch's global generator; 0 where `kept` (batch, tokens, 1)
    is 0."""
    import torch

    inside = torch.empty_like(delta).uniform_(-1, 1) * kept
    numbers = (kept.sum(dim=(1, 2), keepdim=True) * delta.shape[-1]).clamp(min=1)
    return (inside * epsilon / numbers.sqrt()).requires_grad_()


@dataclass(frozen=True, slots=True)
class Perturbed:
    """The loss of a batch as a function of what is added to its embeddings."""

    loss: LossFunction
    model: PreTrainedModel
    batch: Batch
    forward: Mapping[str, Any]
    technique: str

    def none(self) -> torch.Tensor:
        """(batch, tokens, width) zeros that take a gradient."""
        import torch

        weight: Any = self.model.get_input_embeddings().weight
        ids = self.batch["input_ids"]
        return torch.zeros(*ids.shape, weight.shape[-1], dtype=weight.dtype, device=ids.device, requires_grad=True)

    @property
    def kept(self) -> torch.Tensor:
        """(batch, tokens, 1) which tokens are no padding."""
        import torch

        ids = self.batch["input_ids"]
        mask: torch.Tensor = self.batch.get("attention_mask", torch.ones_like(ids))
        return mask[..., None].to(torch.float)

    def __call__(self, delta: torch.Tensor) -> Losses:
        """The losses where `delta` is added to the embeddings."""
        embeddings = self.batch.get("inputs_embeds")
        if embeddings is None:
            embeddings = self.model.get_input_embeddings()(self.batch["input_ids"])
        return self.loss(self.model, {**self.batch, "inputs_embeds": embeddings + delta}, **self.forward)

    def gradient(self, losses: Losses, delta: torch.Tensor) -> torch.Tensor:
        """Of the sum of the losses for `delta`, which the losses were computed with.

        Raises:
            PluglmError: where the losses do not depend on it.
        """
        import torch

        # The graph is walked once more, by the backward pass of the step.
        (found,) = torch.autograd.grad(losses.sums.sum(), delta, retain_graph=True, allow_unused=True)
        if found is None:
            raise PluglmError(f"regularizer={self.technique}: this objective does not read the batch's inputs_embeds")
        return found.detach()
