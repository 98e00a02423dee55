"""Lines of the Google Books n-grams, version 3 (https://storage.googleapis.com/books/ngrams/books/datasetsv3.html)."""

from __future__ import annotations

import re
from dataclasses import dataclass

NAME = re.compile(r"[1-5]-\d{5}-of-\d{5}(?:\.gz)?")
FIRST = re.compile(rb"[^\t\n]+(?:\t\d{3,4},\d+,\d+)+(?:\n|$)")
# A part of speech after a word (run_VERB) or in its place (_VERB_), and the bounds of sentences.
TAG = re.compile(
    r"_(?:NOUN|PROPN|VERB|ADJ|ADV|PRON|DET|ADP|NUM|CONJ|PRT|X|AUX|CCONJ|SCONJ|INTJ|PART|SYM|PUNCT|START|END|ROOT|\.)_?"
    r"(?= |$)"
)


@dataclass(frozen=True, slots=True)
class Ngram:
    """An n-gram with its counts within a range of years."""

    words: str
    matches: int
    volumes: int
    first_year: int
    last_year: int


def ngram(line: str, first: int, last: int) -> Ngram:
    """An n-gram with what its line `ngram TAB year,match_count,volume_count TAB ...` counts from `first` to `last`;
    years are 0 where it does not occur then.

    Raises:
        ValueError: where the line is of another form.
    """
    words, *counts = line.split("\t")
    if not words or not counts:
        raise ValueError("no counts behind the n-gram")
    matches = volumes = since = until = before = 0
    for count in counts:
        year_text, match_text, volume_text = count.split(",")
        year = int(year_text)
        if year <= before:
            raise ValueError(f"the year {year} after {before}")
        before = year
        if first <= year <= last:
            matches += int(match_text)
            volumes += int(volume_text)
            since, until = since or year, year
    if before > 9999 or matches < volumes or volumes < 0:
        raise ValueError("counts that cannot be")
    return Ngram(words, matches, volumes, since, until)


def is_tagged(words: str) -> bool:
    """Whether an n-gram has parts of speech or bounds of sentences in it."""
    return "_" in words and TAG.search(words) is not None
