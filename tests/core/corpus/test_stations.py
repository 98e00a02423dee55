from __future__ import annotations

import json
from collections.abc import Iterable, Iterator
from dataclasses import replace
from pathlib import Path
from random import Random
from typing import Any

import pytest

from pluglm import (
    CorpusPreprocessor,
    DataError,
    Document,
    Dropped,
    Preprocessor,
    Regularizer,
    Source,
    Unreadable,
)
from pluglm.corpus import steps as stations
from pluglm.corpus.keys import KeyList
from pluglm.corpus.ledger import Account, Book, check_balance


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


class Swap(Regularizer):
    """Drops the first document, changes the second, adds one."""

    def change_documents(self, documents: Iterable[Document], random: Random) -> Iterator[Document]:
        for number, document in enumerate(documents):
            if number == 1:
                yield document.map_text(["text"], str.upper)
                yield Document("new", id="new")
            elif number:
                yield document


def balanced(*book: Account) -> None:
    check_balance([station.as_dict() for station in book])


def test_every_document_is_accounted_for(tmp_path: Path) -> None:
    source, odd, first = Account("source.numbers"), Account("preprocessor.odd"), Account("preprocessor.first")
    documents = list(stations.read_source(Numbers(weight=2.0), "numbers", source))
    documents = stations.Preprocess(odd.name, Odd()).work(documents, odd).apply(documents)
    technique = FirstOfEachLength()
    decided = technique.decide(KeyList(technique.key(document) for document in documents))
    decisions = {place: reason for place, reason in enumerate(decided) if reason is not None}
    step = stations.ApplyDecisions(first.name, technique, decisions, {})
    kept = step.work(documents, first).apply(documents)
    assert [d.text for d in kept] == ["1!", "11!"] and kept[0].weight == 2.0 and kept[0].source == "numbers"
    balanced(source, odd, first)
    assert (source.read, source.kept, source.quarantined) == (20, 16, {"damaged": 4})
    assert odd.dropped == {"even": 8} and odd.quarantined == {"error": 1} and odd.changed == 7
    assert odd.characters_in == source.characters_out and odd.characters_out == sum(len(d.text) for d in documents)
    assert first.dropped == {"same_length": 5}
    book = Book(tmp_path / "q.jsonl")
    for station in (source, odd, first):
        book.enter(station)
    lines = [json.loads(line) for line in (tmp_path / "q.jsonl").read_text().splitlines()]
    assert lines[0] == {"station": "source.numbers", "locator": "numbers:4", "reason": "damaged", "detail": ""}
    assert {
        "station": "preprocessor.odd",
        "locator": "numbers:13",
        "reason": "error",
        "detail": "ValueError: unlucky",
    } in lines


def test_what_was_found_stands_beside_what_was_dropped() -> None:
    class Named(Preprocessor):
        """Says why."""

        def process(self, document: Document) -> Document | Dropped:
            return Dropped("named", f"found {document.text}")

    station = Account("preprocessor.named")
    stations.Preprocess(station.name, Named()).work([Document("x", id="1")], station)
    assert station.dropped_samples == [{"id": "1", "reason": "named", "text": "x", "detail": "found x"}]


def test_what_is_no_text_is_shown_as_well() -> None:
    class Notes(Preprocessor):
        """Changes a field, notes a length, and weighs down."""

        def process(self, document: Document) -> Document | Dropped:
            if document.fields:
                return document.map_text(("title",), str.lower)
            return replace(document, metadata={"length": len(document.text)}, weight=0.5)

    station = Account("preprocessor.notes")
    documents = [Document("x", id="1", fields={"title": "A"}), *(Document("y" * n, id=f"y{n}") for n in range(2, 9))]
    stations.Preprocess(station.name, Notes()).work(documents, station)
    assert (station.kept, station.changed, station.noted) == (8, 1, 7)
    assert station.samples == [{"id": "1", "before": "x\ntitle: A", "after": "x\ntitle: a"}]
    assert len(station.noted_samples) == 3
    assert station.noted_samples[0] == {"id": "y2", "before": "yy\nweight: 1.0", "after": "yy\nlength: 2\nweight: 0.5"}
    whole = Account(station.name)
    whole.merge(Account.from_dict(station.as_dict()))
    assert whole.as_dict() == station.as_dict()


def test_parts_of_an_account_add_up_to_the_whole() -> None:
    documents = [Document("x" * (n % 7), id=str(n), source="s") for n in range(40)]
    whole, parts = Account("preprocessor.odd"), Account("preprocessor.odd")
    technique = FirstOfEachLength()
    decisions = {place: "same_length" for place in range(7, 40)}
    stations.ApplyDecisions(whole.name, technique, decisions, {3: "ValueError: no key"}).work(documents, whole)
    for start in (0, 10, 20, 30):
        part = Account(whole.name)
        own = {place - start: reason for place, reason in decisions.items() if start <= place < start + 10}
        errors = {3: "ValueError: no key"} if start == 0 else {}
        stations.ApplyDecisions(whole.name, technique, own, errors).work(documents[start : start + 10], part)
        parts.merge(Account.from_dict(json.loads(json.dumps(part.as_dict())), part.records))
    assert parts.as_dict() == whole.as_dict() and whole.quarantined == {"error": 1}
    balanced(parts)


def test_a_source_that_breaks_off_keeps_what_it_gave() -> None:
    station = Account("source.numbers")
    assert len(list(stations.read_source(Numbers(fail_at=3), "numbers", station))) == 3
    assert station.quarantined == {"unreadable": 1}
    balanced(station)


def test_every_document_says_where_and_when_it_was_had() -> None:
    class Told(Numbers):
        """One document that says it itself, one that does not."""

        def read(self) -> Iterator[Document | Unreadable]:
            yield Document("a", id="a", metadata={"locator": "mail:1", "retrieved": "2020-01-01T00:00:00+00:00"})
            yield Document("b", id="b")

    told, other = stations.read_source(Told(), "told", Account("source.told"), "2024-05-06T07:08:09+00:00")
    assert told.metadata == {"locator": "mail:1", "retrieved": "2020-01-01T00:00:00+00:00"}
    assert other.metadata == {"locator": "b", "retrieved": "2024-05-06T07:08:09+00:00"}


def test_stop_names_the_record() -> None:
    with pytest.raises(DataError, match="numbers:4: damaged") as caught:
        list(stations.read_source(Numbers(), "numbers", Account("source.numbers", stop=True)))
    assert caught.value.exit_code == 3


def test_text_that_is_no_text_is_quarantined() -> None:
    class Odd(Numbers):
        """Texts that cannot be."""

        def read(self) -> Iterator[Document | Unreadable]:
            yield Document(5, id="a")  # type: ignore[arg-type]
            yield Document("\ud800", id="b")
            yield Document("good", id="c")

    class Spoils(Preprocessor):
        """Makes text that cannot be written."""

        def process(self, document: Document) -> Document | Dropped:
            return document.map_text(["text"], lambda text: text + "\udfff")

    station, spoiling = Account("source.odd"), Account("preprocessor.spoils")
    documents = list(stations.read_source(Odd(), "odd", station))
    assert [d.text for d in documents] == ["good"]
    assert station.quarantined == {"text_is_not_a_string": 1, "lone_surrogate": 1}
    assert stations.Preprocess(spoiling.name, Spoils()).work(documents, spoiling).apply(documents) == []
    assert spoiling.quarantined == {"lone_surrogate": 1}


def test_what_an_intervention_does_to_documents_is_counted() -> None:
    station = Account("regularizer.swap")
    documents = [Document(t, id=t) for t in "abcd"]
    out = list(stations.change_training(Swap(), documents, station, Random(0)))
    assert [d.text for d in out] == ["B", "new", "c", "d"]
    assert (station.read, station.added, station.kept, station.dropped) == (4, 1, 4, {"removed": 1})
    balanced(station)


def test_a_station_that_loses_documents_is_found_out() -> None:
    with pytest.raises(DataError, match="5 documents went in and 4"):
        check_balance([Account("x", read=5, kept=4).as_dict()])


def test_the_split_depends_on_the_document_alone() -> None:
    values = [stations.split_hash(Document("", id=str(n), source="s"), 0) / 2**64 for n in range(2000)]
    assert 0.08 < sum(v < 0.1 for v in values) / 2000 < 0.12
    assert values[7] == stations.split_hash(Document("other text", id="7", source="s"), 0) / 2**64
    assert values != [stations.split_hash(Document("", id=str(n), source="s"), 1) / 2**64 for n in range(2000)]
