from __future__ import annotations

import json
from collections.abc import Iterable, Iterator
from pathlib import Path
from random import Random
from typing import Any

import pytest

from pluglm import (
    Augmenter,
    CorpusPreprocessor,
    DataError,
    Document,
    Dropped,
    Preprocessor,
    Regularizer,
    Source,
    Unreadable,
)
from pluglm.corpus import stations
from pluglm.corpus.ledger import Quarantine, Station, check_balance


class Numbers(Source):
    """Numbers, every fifth of them damaged."""

    fail_at: int = 100

    def inputs(self) -> Iterable[Path]:
        return ()

    def read(self) -> Iterator[Document | Unreadable]:
        for number in range(20):
            if number == self.fail_at:
                raise OSError(5, "the disk is gone", "numbers.txt")
            yield (
                Unreadable(f"numbers:{number}", "damaged") if number % 5 == 4 else Document(str(number), id=str(number))
            )


class Odd(Preprocessor):
    """Drops even numbers and fails at 13."""

    def process(self, document: Document) -> Document | Dropped:
        if document.text == "13":
            raise ValueError("unlucky")
        return document.map_text(self.fields, lambda t: t + "!") if int(document.text) % 2 else Dropped("even")


class FirstOfEachLength(CorpusPreprocessor):
    """Keeps the first text of each length."""

    def key(self, document: Document) -> int:
        return len(document.text)

    def decide(self, keys: Iterable[Any]) -> Iterator[str | None]:
        seen: set[int] = set()
        for key in keys:
            yield "same_length" if key in seen else None
            seen.add(key)


class Twice(Augmenter):
    """Doubles the text."""

    def augment(self, document: Document, random: Random) -> Document | None:
        return document.map_text(self.fields, lambda t: t * 2)


class Swap(Regularizer):
    """Drops the first document, changes the second, adds one."""

    def change_documents(self, documents: Iterable[Document], random: Random) -> Iterator[Document]:
        for number, document in enumerate(documents):
            if number == 1:
                yield document.map_text(["text"], str.upper)
                yield Document("new", id="new")
            elif number:
                yield document


def balanced(*book: Station) -> None:
    check_balance([station.as_dict() for station in book])


def test_every_document_is_accounted_for(tmp_path: Path) -> None:
    quarantine = Quarantine(tmp_path / "q.jsonl", stop=False)
    source, odd, first = Station("source.numbers"), Station("preprocessor.odd"), Station("preprocessor.first")
    documents = stations.read_source(Numbers(weight=2.0), source, quarantine)
    documents = stations.preprocess(Odd(), documents, odd, quarantine, tmp_path / "a")
    documents = stations.preprocess(FirstOfEachLength(), documents, first, quarantine, tmp_path / "b")
    kept = list(documents)
    assert [d.text for d in kept] == ["1!", "11!"] and kept[0].weight == 2.0 and kept[0].source == "numbers"
    balanced(source, odd, first)
    assert (source.read, source.kept, source.quarantined) == (20, 16, {"damaged": 4})
    assert odd.dropped == {"even": 8} and odd.quarantined == {"error": 1} and odd.changed == 7
    assert first.dropped == {"same_length": 5}
    lines = [json.loads(line) for line in (tmp_path / "q.jsonl").read_text().splitlines()]
    assert lines[0] == {"station": "source.numbers", "locator": "numbers:4", "reason": "damaged", "detail": ""}
    assert {
        "station": "preprocessor.odd",
        "locator": "numbers:13",
        "reason": "error",
        "detail": "ValueError: unlucky",
    } in lines


def test_a_source_that_breaks_off_keeps_what_it_gave(tmp_path: Path) -> None:
    station = Station("source.numbers")
    quarantine = Quarantine(tmp_path / "q", stop=False)
    assert len(list(stations.read_source(Numbers(fail_at=3), station, quarantine))) == 3
    assert station.quarantined == {"unreadable": 1}
    balanced(station)


def test_stop_names_the_record(tmp_path: Path) -> None:
    quarantine = Quarantine(tmp_path / "q", stop=True)
    with pytest.raises(DataError, match="numbers:4: damaged") as caught:
        list(stations.read_source(Numbers(), Station("source.numbers"), quarantine))
    assert caught.value.exit_code == 3


def test_text_that_is_no_text_is_quarantined(tmp_path: Path) -> None:
    class Odd(Numbers):
        """Texts that cannot be."""

        def read(self) -> Iterator[Document | Unreadable]:
            yield Document(5, id="a")  # type: ignore[arg-type]
            yield Document("\ud800", id="b")
            yield Document("good", id="c")

    station = Station("source.odd")
    documents = list(stations.read_source(Odd(), station, Quarantine(tmp_path / "q", stop=False)))
    assert [d.text for d in documents] == ["good"]
    assert station.quarantined == {"text_is_not_a_string": 1, "lone_surrogate": 1}


def test_copies_follow_their_original_and_are_the_same_again(tmp_path: Path) -> None:
    station = Station("augmenter.twice")
    documents = [Document(str(n), id=str(n)) for n in range(50)]
    quarantine = Quarantine(tmp_path / "q", stop=False)
    augmenter = Twice(probability=0.5, copies=2)
    made = list(stations.augment(augmenter, documents, station, quarantine, seed=1))
    balanced(station)
    assert 20 < station.added < 80 and len(made) == 50 + station.added
    assert len({d.id for d in made}) == len(made)
    again = list(stations.augment(augmenter, documents[::-1], Station("augmenter.twice"), quarantine, seed=1))
    assert sorted(d.id for d in made) == sorted(d.id for d in again)


def test_what_an_intervention_does_to_documents_is_counted() -> None:
    station = Station("regularizer.swap")
    documents = [Document(t, id=t) for t in "abcd"]
    out = list(stations.change_training(Swap(), documents, station, Random(0)))
    assert [d.text for d in out] == ["B", "new", "c", "d"]
    assert (station.read, station.added, station.kept, station.dropped) == (4, 1, 4, {"removed": 1})
    balanced(station)


def test_a_station_that_loses_documents_is_found_out() -> None:
    with pytest.raises(DataError, match="5 documents went in and 4"):
        check_balance([Station("x", read=5, kept=4).as_dict()])


def test_the_split_depends_on_the_document_alone() -> None:
    number = stations.split_number(0)
    values = [number(Document("", id=str(n), source="s")) for n in range(2000)]
    assert 0.08 < sum(v < 0.1 for v in values) / 2000 < 0.12
    assert values[7] == number(Document("other text", id="7", source="s"))
    assert values != [stations.split_number(1)(Document("", id=str(n), source="s")) for n in range(2000)]
