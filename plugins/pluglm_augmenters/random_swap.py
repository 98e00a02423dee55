"""Random swap."""

from __future__ import annotations

from random import Random
from typing import Annotated

from pydantic import Field

from pluglm import Augmenter, Document
from pluglm_augmenters.words import change_count, pieces_of


def swapped(text: str, alpha: float, random: Random) -> str:
    """The text with n = alpha * l times two random words exchanged."""
    pieces, words = pieces_of(text)
    if len(words) < 2:
        return text
    for _ in range(change_count(alpha, len(words))):
        a, b = random.sample(words, 2)
        pieces[a], pieces[b] = pieces[b], pieces[a]
    return "".join(pieces)


class RandomSwap(Augmenter):
    """Exchange two randomly chosen words, n = alpha * l times for l words.

    Source: Wei and Zou 2019, "EDA", https://arxiv.org/abs/1901.11196.
    """

    alpha: Annotated[float, Field(gt=0, le=1, description="Swaps per word")] = 0.1

    def augment(self, document: Document, random: Random) -> Document | None:
        """A copy with words swapped, or None where there are fewer than two."""
        changed = document.map_text(self.fields, lambda text: swapped(text, self.alpha, random))
        return None if changed == document else changed
