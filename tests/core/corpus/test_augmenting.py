from __future__ import annotations

from itertools import pairwise
from random import Random
from typing import Any

from pluglm import Augmenter, Document
from pluglm.corpus.augmenting import Augment
from pluglm.corpus.ledger import Account, check_balance


class Twice(Augmenter):
    """Doubles the text."""

    def augment_text(self, text: str, random: Random) -> str:
        return text * 2


def test_copies_follow_their_original_and_are_the_same_again() -> None:
    station = Account("augmenter.twice")
    documents = [Document(str(n), id=str(n)) for n in range(50)]
    step = Augment(station.name, Twice(probability=0.5, copies=2), seed=1)
    made = step.work(documents, station).apply(documents)
    check_balance([station.as_dict()])
    assert 20 < station.added < 80 and len(made) == 50 + station.added
    assert station.characters_added == station.characters_out - station.characters_in > 0
    assert len({d.id for d in made}) == len(made)
    for before, after in pairwise(made):
        assert "~" not in after.id or after.id.split("~")[0] == before.id.split("~")[0]
    again = step.work(documents[::-1], Account("augmenter.twice")).apply(documents[::-1])
    assert sorted(d.id for d in made) == sorted(d.id for d in again)


class Fails(Augmenter):
    """Works on many at once, fails at 7, and makes at 8 what is no Unicode."""

    def augment(self, document: Document, random: Random) -> Document | None:
        if document.text == "7":
            raise ValueError("seven")
        return document.map_text(self.fields, lambda t: "\ud800" if t == "8" else f"{t} {random.random()}")

    def augment_batch(self, documents: Any, randoms: Any) -> list[Document | None]:
        return [self.augment(d, r) for d, r in zip(documents, randoms, strict=True)]


def test_a_document_at_which_an_augmenter_fails_costs_no_other() -> None:
    station = Account("augmenter.fails")
    documents = [Document(str(n), id=str(n), source="s") for n in range(10)]
    step = Augment(station.name, Fails(), seed=1)
    made = step.work(documents, station).apply(documents)
    check_balance([station.as_dict()])
    assert station.quarantined == {"error": 1, "lone_surrogate": 1} and station.added == 10 and len(made) == 18
    others = documents[:7] + documents[9:]
    assert [d for d in made if d.id not in ("7", "8")] == step.work(others, Account("augmenter.fails")).apply(others)
