"""Random insertion."""

from __future__ import annotations

from functools import partial
from random import Random
from typing import Annotated

from pydantic import Field

from pluglm import Augmenter, Document
from pluglm_augmenters.words import change_count, joined, rewritten, words_and_gaps


def inserted(text: str, alpha: float, random: Random, vocabulary: tuple[str, ...] = ()) -> str:
    """The text with n = alpha * l words put in front of random words, drawn from the vocabulary or the text itself."""
    words, gaps = words_and_gaps(text)
    count, draw = len(words), random.random
    if not count:
        return text
    source = vocabulary or tuple(words)
    for _ in range(change_count(alpha, count)):
        place = int(draw() * count)
        words[place] = f"{source[int(draw() * len(source))]} {words[place]}"
    return " ".join(words) if gaps is None else joined(words, gaps)


class RandomInsertion(Augmenter):
    """Insert n = alpha * l words at random places in a text of l words.

    The paper inserts synonyms, for which a thesaurus is needed; without one, words are drawn from the document itself,
    or from `words`.

    Source: Wei and Zou 2019, "EDA", https://arxiv.org/abs/1901.11196.
    """

    alpha: Annotated[float, Field(gt=0, le=1, description="Insertions per word")] = 0.1
    words: Annotated[tuple[str, ...], Field(description="Words to insert; none for the document's own")] = ()

    def augment(self, document: Document, random: Random) -> Document | None:
        """A copy with words inserted, or None where there is no word to insert at."""
        return rewritten(document, self.fields, partial(inserted, vocabulary=self.words), self.alpha, random)
