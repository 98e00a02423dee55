"""What objectives that predict tokens share: cross-entropy by example, a few tokens' logits at a time."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Annotated, Any

from pydantic import Field

from pluglm import Losses, Objective, Predictions, Scored
from pluglm_objectives.token_head import LOGITS, LazyOutputs, TokenHead, token_head, without_head
from pluglm_objectives.token_losses import IGNORED

if TYPE_CHECKING:
    import torch
    from transformers import PreTrainedModel


@dataclass(frozen=True, slots=True)
class TokenScores:
    """What a model made of every position: `outputs`, as it returned them or with logits that are made when asked for;
    where these are not made at once, its `head` and the (batch, length, width) `hidden` states that it is given."""

    outputs: Any
    chunk: int
    head: TokenHead | None = None
    hidden: torch.Tensor | None = None

    def losses(self, labels: torch.Tensor, z_loss: float = 0.0) -> Losses:
        """Cross-entropy with `labels` (batch, length), ignored where -100: those positions get no logits."""
        counted = labels != IGNORED
        each, normalisers = self._cross_entropy(counted, labels, z_loss)
        sums = each.new_zeros(labels.shape).masked_scatter(counted, each).sum(dim=1)
        metrics = {}
        if z_loss and normalisers is not None:
            metrics["z_loss"] = z_loss * normalisers.square().sum() / max(1, normalisers.numel())
        counts = counted.sum(dim=1).to(sums.dtype)
        return Losses(sums, counts, self.outputs, metrics, scored=lambda: [self._scored(counted, labels)])

    def predictions(self, labels: torch.Tensor, task: str = "") -> Predictions:
        """The likeliest token at each position that has a label."""
        from pluglm_objectives.chunked_loss import chunked_argmax

        counted = labels != IGNORED
        if self.head is None or self.hidden is None:
            likeliest = self.outputs.logits[counted].argmax(dim=-1)
        else:
            likeliest = chunked_argmax(self.hidden[counted], self.head.linear, self.chunk)
        return Predictions(likeliest, labels[counted], counted.nonzero()[:, 0], task)

    def _cross_entropy(
        self, counted: torch.Tensor, labels: torch.Tensor, z_loss: float
    ) -> tuple[torch.Tensor, torch.Tensor | None]:
        from pluglm_objectives.chunked_loss import chunked_cross_entropy, token_cross_entropy

        if self.head is None or self.hidden is None:
            logits = self.outputs.logits
            if counted.all():
                return token_cross_entropy(logits.flatten(0, 1).float(), labels.flatten(), z_loss)
            return token_cross_entropy(logits[counted].float(), labels[counted], z_loss)
        linear = self.head.linear
        return chunked_cross_entropy(
            self.hidden[counted], linear.weight, linear.bias, labels[counted], self.chunk, z_loss
        )

    def _scored(self, counted: torch.Tensor, labels: torch.Tensor) -> Scored:
        if self.head is None or self.hidden is None:
            logits = self.outputs.logits[counted]
        else:
            logits = self.head.linear(self.hidden[counted])
        return Scored(logits.float(), labels[counted], counted.nonzero()[:, 0])


def token_scores(model: PreTrainedModel, inputs: Mapping[str, Any], chunk: int, **forward: Any) -> TokenScores:
    """Run the model: without its head where `chunk` is not 0 and the model's logits are those of a plain linear layer,
    as it is otherwise."""
    head = token_head(model, inputs) if chunk else None
    if head is not None:
        outputs, hidden = without_head(model, head, inputs, **forward)
        return TokenScores(outputs, chunk, head, hidden)
    outputs = model(**inputs, **forward)
    name = next(name for name in LOGITS if name in outputs)
    return TokenScores(outputs if name == "logits" else LazyOutputs(outputs, name, lambda: outputs[name]), chunk)


class TokenObjective(Objective):
    """An objective whose loss is a cross-entropy over the vocabulary."""

    loss_chunk: Annotated[
        int, Field(ge=0, description="Tokens whose logits exist at a time, which bounds memory; 0 for all at once")
    ] = 256
    z_loss: Annotated[
        float,
        Field(ge=0, description="Training loss for each token beyond cross-entropy: this times log(Z)^2; 1e-4 in PaLM"),
    ] = 0.0

    def z_of(self, model: PreTrainedModel) -> float:
        """The coefficient while the model is in training, and 0 when it is measured."""
        return self.z_loss if model.training else 0.0
