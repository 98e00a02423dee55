"""Random insertion."""

from __future__ import annotations

from random import Random
from typing import Annotated

from pydantic import Field

from pluglm import Augmenter
from pluglm_augmenters.words import change_count, joined, words_and_gaps


class RandomInsertion(Augmenter):
    """Insert n = alpha * l words at random places in a text of l words.

    The paper inserts synonyms, for which a thesaurus is needed; without one, words are drawn from the document itself,
    or from `words`.

    Source: Wei and Zou 2019, "EDA", https://arxiv.org/abs/1901.11196.
    """

    alpha: Annotated[float, Field(gt=0, le=1, description="Insertions per word")] = 0.1
    words: Annotated[tuple[str, ...], Field(description="Words to insert; none for the document's own")] = ()

    def augment_text(self, text: str, random: Random) -> str:
        """The text with words inserted, or as it is where there is no word to insert at."""
        words, gaps = words_and_gaps(text)
        count, draw = len(words), random.random
        if not count:
            return text
        source = self.words or tuple(words)
        for _ in range(change_count(self.alpha, count)):
            place = int(draw() * count)
            words[place] = f"{source[int(draw() * len(source))]} {words[place]}"
        return " ".join(words) if gaps is None else joined(words, gaps)
