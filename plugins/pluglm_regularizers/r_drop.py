"""R-Drop."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING, Annotated, Any, ClassVar

from pydantic import Field

from pluglm import Batch, Losses, LossFunction, Regularizer, TrainingRun
from pluglm_regularizers.scored_terms import by_example, scored_of

if TYPE_CHECKING:
    import torch
    from transformers import PreTrainedModel


def symmetric_kl(one: torch.Tensor, other: torch.Tensor) -> torch.Tensor:
    """(terms,) (KL(p || q) + KL(q || p)) / 2 in nats, of the softmaxes p and q of (terms, classes) logits."""
    p, q = one.log_softmax(dim=-1), other.log_softmax(dim=-1)
    return ((p.exp() - q.exp()) * (p - q)).sum(dim=-1) / 2


class RDrop(Regularizer):
    """Passes every batch through the model twice, with other units dropped out, and pulls both answers together.

    The loss is the mean of both losses plus alpha (KL(p || q) + KL(q || p)) / 2, averaged like the loss. It needs a
    model with dropout (that of regularizer=dropout, or a pretrained model's own), and doubles time and activations.

    Source: Liang et al. 2021, https://arxiv.org/abs/2106.14448, with the mean of both losses, as in the authors' code
    """

    name = "r_drop"
    works_with_cut: ClassVar = frozenset({"tensors"})

    alpha: Annotated[float, Field(ge=0, description="Weight of the divergence; 0 for plain training")] = 1.0

    def wrap_loss(self, loss: LossFunction, run: TrainingRun) -> LossFunction:
        """The loss of two passes; as it is for alpha=0."""
        import torch

        if self.alpha == 0:
            return loss
        tried = False

        def doubled_loss(model: PreTrainedModel, batch: Batch, **forward: Any) -> Losses:
            nonlocal tried
            first, second = (loss(model, batch, **forward) for _ in range(2))
            pairs = list(zip(scored_of(first, self), scored_of(second, self), strict=True))
            heads = [by_example(symmetric_kl(one.logits, other.logits), one, first) for one, other in pairs]
            apart = torch.stack(heads).sum(dim=0)
            if not tried:
                tried = True
                if not apart.any():
                    run.note(
                        f"{self.name}: both passes give the same, for the model has no dropout; add regularizer dropout"
                    )
            sums = (first.sums + second.sums) / 2 + self.alpha * apart
            mean = (apart.sum() / first.counts.sum().clamp(min=1e-12)).detach()
            return replace(first, sums=sums, metrics={**first.metrics, "divergence_of_passes": mean})

        return doubled_loss
