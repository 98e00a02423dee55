"""Random swap."""

from __future__ import annotations

from random import Random
from typing import Annotated

from pydantic import Field

from pluglm import Augmenter
from pluglm_augmenters.words import change_count, joined, words_and_gaps


class RandomSwap(Augmenter):
    """Exchange two randomly chosen words, n = alpha * l times for l words.

    Source: Wei and Zou 2019, "EDA", https://arxiv.org/abs/1901.11196.
    """

    alpha: Annotated[float, Field(gt=0, le=1, description="Swaps per word")] = 0.1

    def augment_text(self, text: str, random: Random) -> str:
        """The text with words swapped, or as it is where there are fewer than two."""
        words, gaps = words_and_gaps(text)
        count, draw = len(words), random.random
        if count < 2:
            return text
        others = count - 1
        for _ in range(change_count(self.alpha, count)):
            # Two different places, each pair as likely, of one number; many times faster than random.sample.
            a, b = divmod(int(draw() * (count * others)), others)
            b += b >= a
            words[a], words[b] = words[b], words[a]
        return " ".join(words) if gaps is None else joined(words, gaps)
