"""Optimizers."""

from __future__ import annotations

from abc import abstractmethod
from collections.abc import Sequence
from typing import TYPE_CHECKING, Annotated, Any, ClassVar

from pydantic import Field

from pluglm.families.parallelism import Cut
from pluglm.technique import Technique

if TYPE_CHECKING:
    import torch


class Optimizer(Technique):
    """Builds a torch optimizer."""

    family: ClassVar[str] = "optimizer"
    works_with_cut: ClassVar[frozenset[Cut]] = frozenset()
    """Under what a parallelism may do to the model (`Parallelism.cuts`) its steps are still those of one process. One
    that treats every number alone works with "tensors", one that treats every parameter alone with "layers"."""

    lr: Annotated[float, Field(gt=0, description="Peak learning rate; the schedule scales it")] = 1e-3
    weight_decay: Annotated[
        float, Field(ge=0, description="Decay of weight matrices; norms, biases and embeddings have none")
    ] = 0.0
    layer_decay: Annotated[
        float, Field(gt=0, le=1, description="Factor of the learning rate from each layer to the one below it")
    ] = 1.0

    @abstractmethod
    def build(self, groups: Sequence[dict[str, Any]]) -> torch.optim.Optimizer:
        """An optimizer over `groups`, ready to be handed to a torch optimizer as they are.

        Each has `params`, and `role`: "matrix" for those of the layers, "head" for matrices outside of them,
        "embedding", or "vector" (norms and biases). The last two also have `weight_decay` 0, which takes precedence
        over the optimizer's own. With a `layer_decay` below 1 each has its own `lr` too, which takes precedence
        likewise, and the share of the peak rate that it is, `lr_scale`. The schedule scales the `lr` that each group is
        built with.
        """
