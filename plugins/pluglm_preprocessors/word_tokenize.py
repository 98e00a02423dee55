"""Words separated from punctuation, as the Penn Treebank does."""

from __future__ import annotations

import random
from functools import cache
from typing import Any

from pluglm import Document, Dropped, Preprocessor


@cache
def treebank() -> Any:
    """NLTK's improved Treebank tokenizer, which needs no data."""
    state = random.getstate()
    from nltk.tokenize.destructive import NLTKWordTokenizer

    # Importing it draws from Python's global generator, on which others depend.
    random.setstate(state)
    return NLTKWordTokenizer()


class WordTokenize(Preprocessor):
    """Separate words and punctuation by spaces, by the rules of the Penn Treebank: "It isn't." becomes "It is n't .".

    Lines stay lines. Meant for English; a period stays with its word except at the end of a line.

    Source: the Treebank's tokenizer.sed in NLTK's version, https://www.nltk.org/api/nltk.tokenize.html
    """

    requires = {"nltk": "pluglm[data]"}

    def process(self, document: Document) -> Document | Dropped:
        """The document in separate words."""
        return document.map_text(self.fields, separated)


def separated(text: str) -> str:
    """Each line with one space between its tokens."""
    return "\n".join(" ".join(treebank().tokenize(line)) for line in text.split("\n"))
