"""Counterfactual data: the same documents about the other gender."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import replace
from functools import lru_cache
from random import Random
from typing import Annotated, Literal

from pydantic import Field, field_validator

from pluglm import Debiaser, Document
from pluglm_debiasers.words import FUNCTION_WORDS, GENDER_PAIRS, NAME_PAIRS, ONE_WAY

WORD = re.compile(r"\b[^\W\d_]+\b")
NEXT_WORD = re.compile(r"[ \t\r\n]+([^\W\d_]+)")


@lru_cache
def two_sided(pairs: tuple[tuple[str, str], ...]) -> Mapping[str, str]:
    """Each word of each pair to the other.

    Raises:
        ValueError: where a word is in two pairs.
    """
    table: dict[str, str] = {}
    for left, right in pairs:
        for word, other in ((left, right), (right, left)):
            if table.setdefault(word, other) != other:
                raise ValueError(f"{word!r} is paired with both {table[word]!r} and {other!r}")
    return table


def with_case_of(word: str, model: str) -> str | None:
    """`word` in lower case, as a Title or in CAPITALS, whichever `model` is in; None where it is in none of them."""
    for style in (str.lower, str.capitalize, str.upper):
        if style(model) == model:
            return style(word)
    return None


def stands_alone(rest: str) -> bool:
    """Whether a possessive before `rest` has no noun: the clause ends, or goes on with a function word."""
    following = NEXT_WORD.match(rest)
    return following is None or following[1].lower() in FUNCTION_WORDS


def swap(text: str, pairs: tuple[tuple[str, str], ...], names: bool = False) -> str:
    """`text` with both sides of `pairs` exchanged, and English pronouns by their grammar.

    "her" becomes "his" before a noun and else "him"; "his" becomes "her" before a noun and else "hers". With `names`,
    capitalised first names are exchanged too. Swapping twice gives `text` back but for these pronouns and `ONE_WAY`.
    """
    table, people = two_sided(pairs), two_sided(NAME_PAIRS) if names else {}

    def other(match: re.Match[str]) -> str:
        word, key = match[0], match[0].lower()
        if key in table:
            found = table[key]
        elif key in ("her", "his"):
            alone = stands_alone(text[match.end() : match.end() + 64])
            found = {"her": ("his", "him"), "his": ("her", "hers")}[key][alone]
        elif key in ONE_WAY:
            found = ONE_WAY[key]
        elif key in people and word != key:
            found = people[key]
        else:
            return word
        return with_case_of(found, word) or word

    return WORD.sub(other, text)


class Counterfactual(Debiaser):
    """Adds copies of training documents in which he and she, king and queen, and so on are exchanged.

    Words swap in pairs, both ways, keeping their case; her, his and him follow the grammar of what comes next. A
    document without such a word gets no copy.

    Sources: Lu et al. 2018, https://arxiv.org/abs/1807.11714; Hall Maudslay et al. 2019,
    https://arxiv.org/abs/1909.00871 (names).
    """

    mode: Annotated[
        Literal["augment", "replace"], Field(description="Keep the original beside its copy, or only the copy")
    ] = "augment"
    probability: Annotated[float, Field(ge=0, le=1, description="Chance that a document is swapped at all")] = 1.0
    fields: Annotated[
        tuple[str, ...], Field(min_length=1, description="What it works on: text, or names of document fields")
    ] = ("text",)
    names: Annotated[bool, Field(description="Also swap common first names")] = False
    words: Annotated[
        tuple[tuple[str, str], ...], Field(description="Further pairs to swap, such as [[nurse, doctor]]")
    ] = ()

    @field_validator("words")
    @classmethod
    def _pairs_must_be_two_sided(cls, words: tuple[tuple[str, str], ...]) -> tuple[tuple[str, str], ...]:
        lower = tuple((left.lower(), right.lower()) for left, right in words)
        for word in (word for pair in lower for word in pair):
            if not WORD.fullmatch(word):
                raise ValueError(f"{word!r} is not one word of letters")
        two_sided((*GENDER_PAIRS, *lower))
        return lower

    def change_documents(self, documents: Iterable[Document], random: Random) -> Iterator[Document]:
        """See `mode`. A copy's id ends in "#counterfactual"."""
        pairs = (*GENDER_PAIRS, *self.words)
        for document in documents:
            copy = document
            # Drawn for every document, so that one draw more or less does not change the fate of all that follow.
            if random.random() < self.probability:
                copy = document.map_text(self.fields, lambda text: swap(text, pairs, self.names))
            changed = copy != document
            if not changed or self.mode == "augment":
                yield document
            if changed:
                yield replace(copy, id=f"{document.id}#counterfactual")
