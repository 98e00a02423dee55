"""The distributions behind a loss, for techniques that smooth or compare them."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

from pluglm import Losses, PluglmError, Regularizer, Scored

if TYPE_CHECKING:
    import torch


def scored_of(losses: Losses, technique: Regularizer) -> Sequence[Scored]:
    """The distributions, one `Scored` for each head.

    Raises:
        PluglmError: where the loss is not made of cross-entropies.
    """
    if losses.scored is None:
        raise PluglmError(
            f"regularizer={technique.name} works on cross-entropies, and the loss of this objective is made of others; "
            f"leave {technique.name} out"
        )
    return losses.scored()


def by_example(values: torch.Tensor, scored: Scored, losses: Losses) -> torch.Tensor:
    """(batch,) what (terms,) `values` add to `losses.sums`: their mean over an example's terms, as often as the example
    counts. So a weight that an objective gives an example holds for them too."""
    size = len(losses.counts)
    sums = values.new_zeros(size).index_add(0, scored.examples, values)
    terms = scored.examples.bincount(minlength=size).clamp(min=1)
    return sums / terms * losses.counts
