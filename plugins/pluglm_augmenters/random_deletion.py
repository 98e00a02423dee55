"""Random deletion."""

from __future__ import annotations

from random import Random
from typing import Annotated

from pydantic import Field

from pluglm import Augmenter, Document
from pluglm_augmenters.words import pieces_of


def thinned(text: str, alpha: float, random: Random) -> str:
    """The text without the words, and the white space behind them, that a chance of alpha each picked; one word always
    stays."""
    pieces, words = pieces_of(text)
    if len(words) < 2:
        return text
    removed = {word for word in words if random.random() < alpha}
    if len(removed) == len(words):
        removed.discard(random.choice(words))
    return "".join(piece for number, piece in enumerate(pieces) if number not in removed and number - 1 not in removed)


class RandomDeletion(Augmenter):
    """Delete each word with probability alpha; one word always stays.

    Source: Wei and Zou 2019, "EDA", https://arxiv.org/abs/1901.11196.
    """

    alpha: Annotated[float, Field(gt=0, lt=1, description="Chance that a word is deleted")] = 0.1

    def augment(self, document: Document, random: Random) -> Document | None:
        """A copy with words deleted, or None where none was."""
        changed = document.map_text(self.fields, lambda text: thinned(text, self.alpha, random))
        return None if changed == document else changed
