"""Lines of the Google Books n-grams, version 3 (https://storage.googleapis.com/books/ngrams/books/datasetsv3.html)."""

from __future__ import annotations

import re
from bisect import bisect_left, bisect_right
from dataclasses import dataclass
from operator import lt

NAME = re.compile(r"[1-5]-\d{5}-of-\d{5}(?:\.gz)?")
FIRST = re.compile(rb"[^\t\n]+(?:\t\d{3,4},\d+,\d+)+(?:\n|$)")
COUNTS = re.compile(r"\d{3,4},\d{1,15},\d{1,15}(?:\t\d{3,4},\d{1,15},\d{1,15})*")
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
    words, _, counts = line.partition("\t")
    if not words or COUNTS.fullmatch(counts) is None:
        raise ValueError("not YEAR,MATCHES,VOLUMES behind the n-gram")
    # One list and its slices, because lines have up to 500 years.
    numbers = list(map(int, counts.replace("\t", ",").split(",")))
    years = numbers[0::3]
    if not all(map(lt, years, years[1:])):
        raise ValueError("years that do not ascend")
    begin, end = bisect_left(years, first), bisect_right(years, last)
    matches, volumes = sum(numbers[1::3][begin:end]), sum(numbers[2::3][begin:end])
    if matches < volumes:
        raise ValueError(f"{matches} matches in {volumes} volumes")
    return Ngram(words, matches, volumes, *((years[begin], years[end - 1]) if begin < end else (0, 0)))


def is_tagged(words: str) -> bool:
    """Whether an n-gram has parts of speech or bounds of sentences in it."""
    return "_" in words and TAG.search(words) is not None
