"""L1: few large weights rather than many small ones."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Annotated, Any, Literal

from pydantic import Field

from pluglm import Batch, Losses, LossFunction, Regularizer, Step, TrainingRun
from pluglm_regularizers.weights import Which, penalised

if TYPE_CHECKING:
    import torch
    from transformers import PreTrainedModel


def l1_norm(parameters: Sequence[torch.Tensor]) -> torch.Tensor:
    """The sum of the absolute values, a scalar; 0 for no parameters."""
    import torch

    return torch.stack([parameter.abs().sum() for parameter in parameters] or [torch.zeros(())]).sum()


def soft_threshold(parameter: torch.Tensor, threshold: float) -> torch.Tensor:
    """sign(w) max(|w| - threshold, 0), of the same shape: the proximal operator of threshold * |w|."""
    return parameter.sign() * (parameter.abs() - threshold).clamp(min=0)


class L1(Regularizer):
    """A cost on the absolute values of the weights, which makes them sparse.

    `penalty` adds strength * sum|w| to the loss; its gradient pulls weights towards 0 without their staying there.
    `proximal` moves every weight towards 0 by learning rate * strength after each step, and stops it there: zeros are
    exact (ISTA). Both judge by the plain learning rate, whatever the optimizer scales its steps by.

    Sources: Tibshirani 1996 (lasso); Beck and Teboulle 2009, https://doi.org/10.1137/080716542 (ISTA).
    """

    strength: Annotated[float, Field(ge=0, description="What a weight of 1 costs, in nats")] = 1e-6
    mode: Annotated[
        Literal["penalty", "proximal"], Field(description="A term of the loss, or a threshold with exact zeros")
    ] = "penalty"
    parameters: Annotated[
        Which, Field(description="matrices: all but embeddings, norms and biases; all: every trainable parameter")
    ] = "matrices"

    def wrap_loss(self, loss: LossFunction, run: TrainingRun) -> LossFunction:
        """The loss with the penalty; as it is in proximal mode."""
        if self.mode == "proximal" or self.strength == 0:
            return loss

        def penalised_loss(model: PreTrainedModel, batch: Batch, **forward: Any) -> Losses:
            losses = loss(model, batch, **forward)
            return losses.plus(self.strength * l1_norm(penalised(model, self.parameters)).to(losses.sums), self.name)

        return penalised_loss

    def after_step(self, run: TrainingRun, step: Step) -> None:
        """The threshold of proximal mode."""
        import torch

        if self.mode == "proximal":
            with torch.no_grad():
                for parameter in penalised(run.model, self.parameters):
                    parameter.copy_(soft_threshold(parameter, step.learning_rate * self.strength))
