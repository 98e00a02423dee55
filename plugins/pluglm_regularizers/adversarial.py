"""Adversarial training on embeddings."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING, Annotated, Any, Literal

from pydantic import Field, model_validator

from pluglm import Batch, Losses, LossFunction, Regularizer, TrainingRun
from pluglm_regularizers.perturbation import Perturbed, ascended, drawn

if TYPE_CHECKING:
    import torch
    from transformers import PreTrainedModel


def worst_of(perturbed: Perturbed, epsilon: float, steps: int, step_size: float) -> tuple[Losses, Losses]:
    """The losses without a perturbation, and under the one that `steps` steps up the gradient lead to."""
    delta = perturbed.none()
    clean = losses = perturbed(delta)
    for _ in range(steps):
        delta = ascended(delta, perturbed.gradient(losses, delta), step_size, epsilon)
        losses = perturbed(delta)
    return clean, losses


def along_the_way(perturbed: Perturbed, epsilon: float, steps: int, step_size: float) -> list[Losses]:
    """The losses at each of `steps` points on the way up the gradient, from one that is drawn."""
    delta = drawn(perturbed.none(), epsilon, perturbed.kept)
    found = [perturbed(delta)]
    for _ in range(steps - 1):
        delta = ascended(delta, perturbed.gradient(found[-1], delta), step_size, epsilon)
        found.append(perturbed(delta))
    return found


class Adversarial(Regularizer):
    """Trains on embeddings that are moved a little to where the loss is larger.

    A perturbation delta of an example's embeddings has at most the length epsilon, over all its tokens. `fgm` takes one
    step of epsilon up the gradient; `pgd` takes `steps` steps of `step_size`, each back into the ball; both train on
    (1 - share) loss(0) + share loss(delta). `freelb` begins at a random delta and trains on the mean of the losses at
    all `steps` points of the way, so that every pass serves both purposes.

    All passes of a step end in one loss with one backward pass, and the gradients for delta are taken on the way, where
    parameters get none. So clipping, accumulation and data parallelism see a step like any other; the activations of
    two passes (`freelb`: all of them) are in memory at once. The objective must take `inputs_embeds`.

    Sources: Miyato et al. 2017, https://arxiv.org/abs/1605.07725 (FGM); Madry et al. 2018,
    https://arxiv.org/abs/1706.06083 (PGD); Zhu et al. 2020, https://arxiv.org/abs/1909.11764 (FreeLB); the share as in
    Goodfellow et al. 2015, https://arxiv.org/abs/1412.6572
    """

    method: Annotated[Literal["fgm", "pgd", "freelb"], Field(description="How the perturbation is found")] = "fgm"
    epsilon: Annotated[float, Field(ge=0, description="Largest length of a perturbation; 0 for plain training")] = 1.0
    steps: Annotated[int | None, Field(ge=1, description="Steps up the gradient; null for 3 (fgm: 1)")] = None
    step_size: Annotated[
        float | None, Field(gt=0, description="Length of a step; null for epsilon / 2 (fgm: epsilon)")
    ] = None
    share: Annotated[
        float | None,
        Field(gt=0, le=1, description="Share of perturbed losses; null for 0.5 (freelb: 1, the rest plain)"),
    ] = None

    @model_validator(mode="after")
    def _fgm_takes_one_step(self) -> Adversarial:
        if self.method == "fgm" and (self.steps not in (None, 1) or self.step_size is not None):
            raise ValueError("fgm takes one step of epsilon: choose pgd to set steps or step_size")
        return self

    def wrap_loss(self, loss: LossFunction, run: TrainingRun) -> LossFunction:
        """The loss mixed with the perturbed one; as it is for epsilon=0."""
        if self.epsilon == 0:
            return loss
        steps = self.steps or (1 if self.method == "fgm" else 3)
        step_size = self.step_size or (self.epsilon if self.method == "fgm" else self.epsilon / 2)
        share = self.share or (1.0 if self.method == "freelb" else 0.5)

        def adversarial_loss(model: PreTrainedModel, batch: Batch, **forward: Any) -> Losses:
            perturbed = Perturbed(loss, model, batch, forward, self.name)
            if self.method == "freelb":
                way = along_the_way(perturbed, self.epsilon, steps, step_size)
                worst: torch.Tensor = sum(losses.sums for losses in way) / len(way)  # type: ignore[assignment]
                clean = loss(model, batch, **forward) if share < 1 else way[0]
            else:
                clean, last = worst_of(perturbed, self.epsilon, steps, step_size)
                worst = last.sums
            sums = (1 - share) * clean.sums + share * worst if share < 1 else worst
            mean = worst.detach().sum() / clean.counts.sum().clamp(min=1e-12)
            return replace(clean, sums=sums, metrics={**clean.metrics, "adversarial_loss": mean})

        return adversarial_loss
