"""L2: small weights."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Annotated, Any

from pydantic import Field

from pluglm import Batch, Losses, LossFunction, Regularizer, TrainingRun
from pluglm_regularizers.weights import Which, penalised

if TYPE_CHECKING:
    import torch
    from transformers import PreTrainedModel


def half_squared_norm(parameters: Sequence[torch.Tensor]) -> torch.Tensor:
    """Half the sum of the squares, a scalar, whose gradient is the weights; 0 for no parameters."""
    import torch

    return torch.stack([parameter.square().sum() for parameter in parameters] or [torch.zeros(())]).sum() / 2


class L2(Regularizer):
    """Half of strength * sum w^2 added to the loss.

    For plain SGD this is the same as its weight decay. Adam divides the penalty's gradient by its running scale like
    any other, so that there `weight_decay` of the optimizer, which is decoupled, is the stronger choice.

    Sources: Hoerl and Kennard 1970; Loshchilov and Hutter 2019, https://arxiv.org/abs/1711.05101.
    """

    strength: Annotated[float, Field(ge=0, description="Pull towards 0, as a share of the weight")] = 1e-4
    parameters: Annotated[
        Which, Field(description="matrices: all but embeddings, norms and biases; all: every trainable parameter")
    ] = "matrices"

    def wrap_loss(self, loss: LossFunction, run: TrainingRun) -> LossFunction:
        """The loss with the penalty."""
        if self.strength == 0:
            return loss

        def penalised_loss(model: PreTrainedModel, batch: Batch, **forward: Any) -> Losses:
            losses = loss(model, batch, **forward)
            penalty = self.strength * half_squared_norm(penalised(model, self.parameters))
            return losses.plus(penalty.to(losses.sums), self.name)

        return penalised_loss
