"""Random swap."""

from __future__ import annotations

from random import Random
from typing import Annotated

from pydantic import Field

from pluglm import Augmenter, Document
from pluglm_augmenters.words import change_count, joined, rewritten, words_and_gaps


def swapped(text: str, alpha: float, random: Random) -> str:
    """The text with n = alpha * l times two random words exchanged."""
    words, gaps = words_and_gaps(text)
    count, draw = len(words), random.random
    if count < 2:
        return text
    others = count - 1
    for _ in range(change_count(alpha, count)):
        # Two different places, each pair as likely, of one number; many times faster than random.sample.
        a, b = divmod(int(draw() * (count * others)), others)
        b += b >= a
        words[a], words[b] = words[b], words[a]
    return " ".join(words) if gaps is None else joined(words, gaps)


class RandomSwap(Augmenter):
    """Exchange two randomly chosen words, n = alpha * l times for l words.

    Source: Wei and Zou 2019, "EDA", https://arxiv.org/abs/1901.11196.
    """

    alpha: Annotated[float, Field(gt=0, le=1, description="Swaps per word")] = 0.1

    def augment(self, document: Document, random: Random) -> Document | None:
        """A copy with words swapped, or None where there are fewer than two."""
        return rewritten(document, self.fields, swapped, self.alpha, random)
