"""Texts that say what whole groups are like, and groups of which a corpus says too much."""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Iterator, Mapping
from dataclasses import replace
from functools import lru_cache
from pathlib import Path
from typing import Annotated, Any, Literal

from pydantic import Field

from pluglm import CorpusPreprocessor, Decision, Document, Dropped, Keys, Problem
from pluglm_preprocessors.unwanted.stereotypes import GROUPS, sentences, stereotypes
from pluglm_preprocessors.words.shingling import words

Groups = Mapping[str, Mapping[str, frozenset[str]]]


@lru_cache(maxsize=8)
def read_groups(path: str | None) -> Groups:
    """Categories of groups and the words each is mentioned by, of a JSON file, or those built in.

    Raises:
        OSError: where the file cannot be read.
        ValueError: where it is not {category: {group: [word, ...]}}, or a category has one group only.
    """
    if path is None:
        return GROUPS
    read = json.loads(Path(path).read_text(encoding="utf-8-sig"))
    fits = isinstance(read, dict) and all(
        isinstance(groups, dict)
        and len(groups) > 1
        and all(isinstance(listed, list) and all(isinstance(w, str) for w in listed) for listed in groups.values())
        for groups in read.values()
    )
    if not fits:
        raise ValueError("is not {category: {group: [word, ...]}} with two groups or more in each category")
    return {
        category: {group: frozenset(map(str.lower, listed)) for group, listed in groups.items()}
        for category, groups in read.items()
    }


@lru_cache(maxsize=8)
def places(path: str | None, categories: tuple[str, ...]) -> dict[bytes, int]:
    """For each word, the place of its group among all groups of the categories, counted from 0."""
    every = [listed for category in categories for listed in read_groups(path)[category].values()]
    return {word.encode(): place for place, listed in enumerate(every) for word in sorted(listed)}


def excess(mentions: list[int], most: float) -> dict[int, float]:
    """For each group that has more than the share `most` of all mentions, how many mentions are too many: without them
    its share is `most`."""
    total = sum(mentions)
    return {
        place: (count - most * total) / (1 - most)
        for place, count in enumerate(mentions)
        if most < 1 and count > most * total
    }


class BiasedContent(CorpusPreprocessor):
    """Drop, mark or weigh down documents that state stereotypes, and those that a group is over-represented by.

    A stereotype is a sentence that says of a whole group what it is like, cannot do or is for ("women are bad at",
    "immigrants steal"); one that speaks of a prejudice, a figure or a finding is none. A group is over-represented
    where it has more than `max_share` of the mentions of its category in the whole corpus; of documents that mention
    hardly any other group, as many are dropped, spread evenly, or all are weighed down so far, that its share comes to
    the limit.

    The patterns and words are English. Sources: Nadeem et al. 2021, StereoSet, https://arxiv.org/abs/2004.09456, for
    what a stereotype is; Röttger et al. 2021, HateCheck, https://arxiv.org/abs/2012.15606, for what is none.
    """

    stereotypes: Annotated[bool, Field(description="Look for sentences that state a stereotype")] = True
    threshold: Annotated[
        float, Field(ge=0, le=1, description="Share of sentences with one from which a document is biased")
    ] = 0.02
    categories: Annotated[
        tuple[str, ...], Field(description="Categories whose balance counts: gender, religion, age, or of groups_file")
    ] = ("gender",)
    groups_file: Annotated[
        str | None, Field(description='JSON file {"category": {"group": ["word", ...]}} in place of those built in')
    ] = None
    max_share: Annotated[
        float, Field(gt=0, le=1, description="Share of a category's mentions from which a group has too many; 1: never")
    ] = 0.75
    min_mentions: Annotated[
        int, Field(ge=1, description="Fewest mentions of a document that counts as one about a group")
    ] = 5
    action: Annotated[
        Literal["drop", "tag", "downweight"],
        Field(description="Drop documents, only note it in them, or let them count less in the loss"),
    ] = "downweight"
    weight: Annotated[
        float, Field(ge=0, lt=1, description="downweight: what a document with stereotypes counts; the least of any")
    ] = 0.25

    def files_read(self) -> list[Path]:
        """The file of groups."""
        return [Path(self.groups_file)] if self.groups_file else []

    def problems(self, run: Any) -> Iterator[Problem]:
        """A file that cannot be read, and a category that does not exist."""
        for label, technique in run.preprocessor.items():
            if technique is not self:
                continue
            try:
                known = read_groups(self.groups_file)
            except (OSError, ValueError) as error:
                yield Problem(f"preprocessor.{label}.groups_file", f"cannot be used: {error}", self.groups_file)
                continue
            for category in self.categories:
                if category not in known:
                    listed = ", ".join(sorted(known)) or "none"
                    yield Problem(f"preprocessor.{label}.categories", f"does not exist; there are: {listed}", category)

    def key(self, document: Document) -> tuple[int, ...]:
        """(sentences with a stereotype, sentences, mentions of each group)."""
        texts = [text for name in self.fields if isinstance(text := document.get(name), str)]
        stated = sum(1 for text in texts for _ in stereotypes(text)) if self.stereotypes else 0
        known = places(self.groups_file, self.categories)
        mentions = [0] * sum(len(read_groups(self.groups_file)[category]) for category in self.categories)
        for text in texts if mentions else ():
            counts = Counter(words(text))
            for word in counts.keys() & known.keys():
                mentions[known[word]] += counts[word]
        return (stated, sum(map(sentences, texts)) if stated else 0, *mentions)

    def ranges(self) -> list[tuple[int, int]]:
        """The places of each category's groups among all, from and to."""
        sizes = [len(read_groups(self.groups_file)[category]) for category in self.categories]
        return [(sum(sizes[:n]), sum(sizes[: n + 1])) for n in range(len(sizes))]

    def group_of(self, mentions: tuple[int, ...], over: Mapping[int, float]) -> int | None:
        """The over-represented group that a document is about: four of five mentions of its category, or more."""
        for start, end in self.ranges():
            total = sum(mentions[start:end])
            for place in range(start, end):
                if place in over and total >= self.min_mentions and mentions[place] >= 0.8 * total:
                    return place
        return None

    def decide(self, keys: Keys) -> Iterator[Decision]:
        """(thousandths of its weight, sentences with a stereotype, group or -1), or a reason to drop the document."""
        totals: list[int] = []
        for key in keys:
            totals = [a + b for a, b in zip(totals or [0] * len(key), key, strict=True)]
        over: dict[int, float] = {}
        for start, end in self.ranges() if totals else ():
            found = excess(totals[2 + start : 2 + end], self.max_share)
            over |= {start + place: count for place, count in found.items()}
        about = dict.fromkeys(over, 0)
        for key in keys if over else ():
            place = self.group_of(key[2:], over)
            if place is not None:
                about[place] += key[2 + place]
        # The share of the mentions in documents about a group that has to go.
        share = {place: min(1.0, count / about[place]) for place, count in over.items() if about[place]}
        owed = dict.fromkeys(share, 0.0)
        for stated, sentence_count, *rest in keys:
            mentions = tuple(rest)
            biased = stated > 0 and stated >= self.threshold * sentence_count
            place = self.group_of(mentions, over)
            if not stated and place is None:
                yield None
                continue
            weight = self.weight if biased else 1.0
            dropped = False
            if place is not None:
                weight *= 1 - share[place]
                owed[place] += share[place] * mentions[place]
                dropped = owed[place] >= mentions[place] / 2
                if dropped and not biased:
                    owed[place] -= mentions[place]
            if self.action == "drop" and biased:
                yield "stereotypes"
            elif self.action == "drop" and dropped:
                yield "over_represented"
            else:
                yield round(1000 * max(weight, self.weight)), stated, -1 if place is None else place

    def apply(self, document: Document, decision: Decision) -> Document | Dropped:
        """The document with what was found in its metadata, and its weight."""
        if not isinstance(decision, tuple):
            return super().apply(document, decision)
        weight, stated, place = decision
        notes: dict[str, Any] = {}
        if stated:
            notes["stereotypes"] = stated
        if place >= 0:
            names = [name for category in self.categories for name in read_groups(self.groups_file)[category]]
            notes["over_represented"] = names[place]
        factor = weight / 1000 if self.action == "downweight" else 1.0
        return replace(document, metadata=document.metadata | notes, weight=document.weight * factor)
