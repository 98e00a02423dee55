"""Random deletion."""

from __future__ import annotations

from math import log1p
from random import Random
from typing import Annotated

from pydantic import Field

from pluglm import Augmenter
from pluglm_augmenters.words import joined, words_and_gaps


class RandomDeletion(Augmenter):
    """Delete each word with probability alpha; one word always stays.

    Source: Wei and Zou 2019, "EDA", https://arxiv.org/abs/1901.11196.
    """

    alpha: Annotated[float, Field(gt=0, lt=1, description="Chance that a word is deleted")] = 0.1

    def augment_text(self, text: str, random: Random) -> str:
        """The text without the words drawn and the white space behind them, or, where that is the last word, before
        it."""
        words, gaps = words_and_gaps(text)
        draw, rate = random.random, log1p(-self.alpha)
        if len(words) < 2:
            return text
        # How many words stay before the next one goes is geometric: one draw for each that goes, not for each word.
        place = int(log1p(-draw()) / rate)
        while place < len(words):
            del words[place]
            if gaps is not None:
                del gaps[place + 1 if place < len(words) else place]
            place += int(log1p(-draw()) / rate)
        if not words:
            # One stays, each as likely, with what stands around the text.
            words, start = text.split(), len(text) - len(text.lstrip())
            return text[:start] + words[int(draw() * len(words))] + text[len(text.rstrip()) :]
        return " ".join(words) if gaps is None else joined(words, gaps)
