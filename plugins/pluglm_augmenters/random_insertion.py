"""Random insertion."""

from __future__ import annotations

from random import Random
from typing import Annotated

from pydantic import Field

from pluglm import Augmenter, Document
from pluglm_augmenters.words import change_count, pieces_of


def inserted(text: str, alpha: float, vocabulary: tuple[str, ...], random: Random) -> str:
    """The text with n = alpha * l words put in front of random words, drawn from the vocabulary or the text itself."""
    pieces, words = pieces_of(text)
    if not words:
        return text
    source = vocabulary or tuple(pieces[word] for word in words)
    before: dict[int, list[str]] = {}
    for _ in range(change_count(alpha, len(words))):
        before.setdefault(random.choice(words), []).append(random.choice(source))
    return "".join(
        "".join(f"{word} " for word in before.get(number, ())) + piece for number, piece in enumerate(pieces)
    )


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
        changed = document.map_text(self.fields, lambda text: inserted(text, self.alpha, self.words, random))
        return None if changed == document else changed
