"""Random deletion."""

from __future__ import annotations

from math import log1p
from random import Random
from typing import Annotated

from pydantic import Field

from pluglm import Augmenter, Document
from pluglm_augmenters.words import joined, rewritten, words_and_gaps


def thinned(text: str, alpha: float, random: Random) -> str:
    """The text without the words, and the white space behind them, that a chance of alpha each picked; one word always
    stays, and what stood behind the last word."""
    words, gaps = words_and_gaps(text)
    count, draw, rate = len(words), random.random, log1p(-alpha)
    if count < 2:
        return text
    # How many words stay before the next one goes is geometric: one draw for each that goes, not for each word.
    removed = []
    place = int(log1p(-draw()) / rate)
    while place < count:
        removed.append(place)
        place += 1 + int(log1p(-draw()) / rate)
    if not removed:
        return text
    if len(removed) == count:
        del removed[int(draw() * count)]
    for place in reversed(removed):
        del words[place]
        if gaps is not None:
            del gaps[place + 1 if place + 1 < len(gaps) - 1 else place]
    return " ".join(words) if gaps is None else joined(words, gaps)


class RandomDeletion(Augmenter):
    """Delete each word with probability alpha; one word always stays.

    Source: Wei and Zou 2019, "EDA", https://arxiv.org/abs/1901.11196.
    """

    alpha: Annotated[float, Field(gt=0, lt=1, description="Chance that a word is deleted")] = 0.1

    def augment(self, document: Document, random: Random) -> Document | None:
        """A copy with words deleted, or None where none was."""
        return rewritten(document, self.fields, thinned, self.alpha, random)
