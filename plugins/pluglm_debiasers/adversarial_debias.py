"""Adversarial debiasing by gradient reversal."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING, Annotated, Any, ClassVar

from pydantic import Field

from pluglm import Batch, Debiaser, Losses, LossFunction, PluglmError, TrainingRun

if TYPE_CHECKING:
    import torch
    from transformers import PreTrainedModel


def reverse_gradient(x: torch.Tensor, strength: float) -> torch.Tensor:
    """`x` as it is, with a gradient of -strength times the one that comes back."""
    import torch

    class Reverse(torch.autograd.Function):
        @staticmethod
        def forward(ctx: Any, x: torch.Tensor) -> torch.Tensor:
            return x.view_as(x)

        @staticmethod
        def backward(ctx: Any, gradient: torch.Tensor) -> torch.Tensor:
            return -strength * gradient

    return Reverse.apply(x)  # type: ignore[no-any-return, no-untyped-call]


def mean_pool(hidden: torch.Tensor, mask: torch.Tensor | None) -> torch.Tensor:
    """(batch, hidden) mean of (batch, tokens, hidden) over the tokens that `mask` (batch, tokens) keeps."""
    if mask is None:
        return hidden.mean(dim=1)
    kept = mask.unsqueeze(-1).to(hidden.dtype)
    return (hidden * kept).sum(dim=1) / kept.sum(dim=1).clamp(min=1)


def adversary_loss(logits: torch.Tensor, target: torch.Tensor) -> tuple[torch.Tensor, torch.Tensor]:
    """(batch,) cross-entropy in nats, 0 where the (batch,) target is -1, and the accuracy over the others, a scalar.

    Where no target is known the accuracy is that of a guess, so that its mean over steps is not distorted.
    """
    import torch
    import torch.nn.functional as F

    known = target >= 0
    losses = F.cross_entropy(logits.float(), target.clamp(min=0), reduction="none") * known
    right = (logits.argmax(dim=-1) == target).sum() / known.sum().clamp(min=1)
    guess = torch.full_like(right, 1 / logits.shape[-1])
    return losses, torch.where(known.any(), right, guess)


class AdversarialDebias(Debiaser):
    """Trains the model so that an adversary cannot tell a protected attribute from what it computes.

    The adversary, a small network trained beside the model, predicts the document field `field` from the mean of the
    last hidden states. Its gradient reaches the model reversed, so that the model learns to make it fail. Documents
    without the field take no part. Data is not packed, because each example must have one attribute.

    Sources: Ganin and Lempitsky 2015, https://arxiv.org/abs/1409.7495; Zhang et al. 2018,
    https://arxiv.org/abs/1801.07593.
    """

    works_with_cut: ClassVar = frozenset({"tensors", "layers"})

    field: Annotated[str, Field(min_length=1, description="The document field that holds the protected attribute")] = (
        "group"
    )
    strength: Annotated[float, Field(ge=0, description="Factor of the reversed gradient")] = 1.0
    hidden_size: Annotated[int, Field(ge=1, description="Width of the adversary's hidden layer")] = 64

    def columns(self) -> tuple[str, ...]:
        """The protected attribute."""
        return (self.field,)

    def before_training(self, run: TrainingRun) -> None:
        """Put the adversary beside the model.

        Raises:
            PluglmError: where the training documents have fewer than two values of the attribute.
        """
        import torch

        values = {str(value) for document in run.documents() if (value := document.get(self.field)) is not None}
        if len(values) < 2:
            found = f"only the value {values.pop()!r}" if values else "none"
            raise PluglmError(
                f"debiaser={self.name} needs training documents with two or more values of the field {self.field!r} "
                f"and found {found}; set its field"
            )
        width = run.model.config.get_text_config().hidden_size
        # Its own generator: the adversary must not change what the rest of the run draws.
        with torch.random.fork_rng(devices=[]):
            torch.manual_seed(run.seed)
            adversary = torch.nn.Sequential(
                torch.nn.Linear(width, self.hidden_size),
                torch.nn.ReLU(),
                torch.nn.Linear(self.hidden_size, len(values)),
            )
        run.state["module"] = f"adversary{len(run.auxiliary)}"
        run.auxiliary[run.state["module"]] = adversary

    def wrap_loss(self, loss: LossFunction, run: TrainingRun) -> LossFunction:
        """The loss plus the adversary's, whose gradient is reversed on its way into the model."""
        adversary, column = run.auxiliary[run.state["module"]], f"field_{self.field}"

        def adversarial_loss(model: PreTrainedModel, batch: Batch, **forward: Any) -> Losses:
            losses = loss(model, batch, **{**forward, "output_hidden_states": True})
            pooled = mean_pool(losses.outputs.hidden_states[-1], batch.get("attention_mask"))
            logits = adversary(reverse_gradient(pooled, self.strength))
            penalty, accuracy = adversary_loss(logits, batch[column])
            losses = losses.plus(penalty.to(losses.sums), "adversary_loss")
            return replace(losses, metrics={**losses.metrics, "adversary_accuracy": accuracy})

        return adversarial_loss
