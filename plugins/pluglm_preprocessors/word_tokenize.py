"""Words separated from punctuation, as the Penn Treebank does."""

from __future__ import annotations

import random
from collections.abc import Iterator
from contextlib import contextmanager
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
    tokenize = treebank().tokenize
    with without_time_limit():
        return "\n".join(" ".join(tokenize(line)) if line else "" for line in text.split("\n"))


@contextmanager
def without_time_limit() -> Iterator[None]:
    """NLTK gives up a pattern after some seconds, so that on a busy machine other documents would be lost. Its patterns
    take time by the length of a line, and no longer."""
    try:
        from nltk import redos
    except ImportError:  # versions before 3.10 have no limit
        yield
        return
    limit, redos.DEFAULT_TIMEOUT = redos.DEFAULT_TIMEOUT, None
    try:
        yield
    finally:
        redos.DEFAULT_TIMEOUT = limit
