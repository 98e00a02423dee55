"""Label smoothing."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from typing import TYPE_CHECKING, Annotated, Any, ClassVar

from pydantic import Field

from pluglm import Batch, Losses, LossFunction, Problem, Regularizer, Scored, TrainingRun
from pluglm_regularizers.scored_terms import by_example, scored_of

if TYPE_CHECKING:
    import torch
    from transformers import PreTrainedModel

    from pluglm import RunConfig


def uniform_less_right(scored: Scored) -> torch.Tensor:
    """(terms,) how much the cross-entropy with the uniform distribution is above that with the right class: the mean of
    -log p over all classes less -log p of the right one, in which the softmax's divisor cancels."""
    right = scored.logits.gather(1, scored.targets[:, None]).squeeze(1)
    return right - scored.logits.mean(dim=1)


class LabelSmoothing(Regularizer):
    """Trains towards the right class with probability 1 - smoothing, and towards all classes with the rest, so that the
    model is never quite sure.

    The loss is (1 - smoothing) times the cross-entropy plus smoothing times the mean of -log p over all classes.
    Validation measures the plain cross-entropy.

    Source: Szegedy et al. 2016, https://arxiv.org/abs/1512.00567, section 7
    """

    works_with_cut: ClassVar = frozenset({"tensors", "layers"})

    smoothing: Annotated[float, Field(ge=0, lt=1, description="Share of the target spread over all classes")] = 0.1

    def problems(self, run: RunConfig) -> Iterator[Problem]:
        """Targets are smoothed once."""
        own = getattr(run.objective, "label_smoothing", 0)
        if self.smoothing and own:
            reason = f"smooths targets that regularizer={self.name} smooths too"
            yield Problem("objective.label_smoothing", reason, own, "set one to 0")

    def wrap_loss(self, loss: LossFunction, run: TrainingRun) -> LossFunction:
        """The loss with smoothed targets; as it is for smoothing=0."""
        if self.smoothing == 0:
            return loss

        def smoothed_loss(model: PreTrainedModel, batch: Batch, **forward: Any) -> Losses:
            losses = loss(model, batch, **forward)
            sums = losses.sums
            for scored in scored_of(losses, self):
                sums = sums + self.smoothing * by_example(uniform_less_right(scored), scored, losses)
            return replace(losses, sums=sums)

        return smoothed_loss
