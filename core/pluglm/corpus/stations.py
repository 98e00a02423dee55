"""The stations of the corpus: each a generator over documents that keeps its account."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from dataclasses import replace
from pathlib import Path
from random import Random

import xxhash

from pluglm.corpus.document import Document, Dropped, Unreadable
from pluglm.corpus.keys import KeyList
from pluglm.corpus.ledger import Quarantine, Station
from pluglm.corpus.storage import read_documents, write_documents
from pluglm.families import Augmenter, CorpusPreprocessor, Intervention, Preprocessor, Source


def read_source(source: Source, station: Station, quarantine: Quarantine) -> Iterator[Document]:
    """The source's documents, with its name and weight on each."""
    documents = source.read()
    while True:
        try:
            record = next(documents, None)
        except OSError as error:
            station.read += 1
            quarantine.put(station, str(error.filename or station.name), "unreadable", str(error))
            return
        if record is None:
            return
        station.read += 1
        if isinstance(record, Unreadable):
            quarantine.put(station, record.locator, record.reason, record.detail)
            continue
        if isinstance(record, Dropped):
            station.dropped[record.reason] += 1
            continue
        problem = _unusable(record)
        if problem:
            quarantine.put(station, f"{station.name}:{record.id}", problem)
            continue
        document = replace(record, source=source.name, weight=record.weight * source.weight)
        station.characters_in += len(document.text)
        station.keep(None, document)
        yield document


def _unusable(document: Document) -> str | None:
    if not isinstance(document.text, str):
        return "text_is_not_a_string"
    if not document.text.isascii():
        try:
            document.text.encode()
        except UnicodeEncodeError:
            return "lone_surrogate"
    return None


def preprocess(
    preprocessor: Preprocessor, documents: Iterable[Document], station: Station, quarantine: Quarantine, spool: Path
) -> Iterator[Document]:
    """The documents a preprocessor keeps. One that compares documents gets them all first, by way of `spool`."""
    if isinstance(preprocessor, CorpusPreprocessor):
        return _compare(preprocessor, documents, station, quarantine, spool)
    return _each(preprocessor, documents, station, quarantine)


def _each(
    preprocessor: Preprocessor, documents: Iterable[Document], station: Station, quarantine: Quarantine
) -> Iterator[Document]:
    for document in documents:
        station.read += 1
        station.characters_in += len(document.text)
        try:
            outcome = preprocessor.process(document)
        except Exception as error:
            _quarantine_error(quarantine, station, document, error)
            continue
        if isinstance(outcome, Dropped):
            station.drop(document, outcome.reason)
        else:
            station.keep(document, outcome)
            yield outcome


def _compare(
    preprocessor: CorpusPreprocessor,
    documents: Iterable[Document],
    station: Station,
    quarantine: Quarantine,
    spool: Path,
) -> Iterator[Document]:
    keys = KeyList()

    def keyed() -> Iterator[Document]:
        for document in documents:
            station.read += 1
            station.characters_in += len(document.text)
            try:
                keys.append(preprocessor.key(document))
            except Exception as error:
                _quarantine_error(quarantine, station, document, error)
                continue
            yield document

    write_documents(spool, keyed())
    for document, decision in zip(read_documents(spool), preprocessor.decide(keys), strict=True):
        outcome = preprocessor.apply(document, decision)
        if isinstance(outcome, Dropped):
            station.drop(document, outcome.reason)
        else:
            station.keep(document, outcome)
            yield outcome
    spool.unlink()


def _quarantine_error(quarantine: Quarantine, station: Station, document: Document, error: Exception) -> None:
    quarantine.put(station, f"{document.source}:{document.id}", "error", f"{type(error).__name__}: {error}")


def change_training(
    technique: Intervention, documents: Iterable[Document], station: Station, random: Random
) -> Iterator[Document]:
    """The training documents as an intervention leaves them; documents are told apart by id."""
    arrived: dict[str, Document] = {}

    def counted() -> Iterator[Document]:
        for document in documents:
            station.read += 1
            station.characters_in += len(document.text)
            arrived[document.id] = document
            yield document

    kept: set[str] = set()
    for document in technique.change_documents(counted(), random):
        before = arrived.get(document.id)
        if before is None or document.id in kept:
            station.added += 1
        kept.add(document.id)
        station.keep(before, document)
        yield document
    for identifier in arrived.keys() - kept:
        station.drop(arrived[identifier], "removed")


def augment(
    augmenter: Augmenter, documents: Iterable[Document], station: Station, quarantine: Quarantine, seed: int
) -> Iterator[Document]:
    """Each document, followed by its changed copies."""
    for document in documents:
        station.read += 1
        station.characters_in += len(document.text)
        station.keep(None, document)
        yield document
        for copy in range(augmenter.copies):
            random = Random(f"{seed}/{station.name}/{document.source}/{document.id}/{copy}")
            if random.random() >= augmenter.probability:
                continue
            try:
                changed = augmenter.augment(document, random)
            except Exception as error:
                station.added += 1
                _quarantine_error(quarantine, station, document, error)
                continue
            if changed is not None:
                station.added += 1
                station.keep(document, changed)
                yield replace(changed, id=f"{document.id}~{augmenter.name}{copy}")


def split_number(seed: int) -> Callable[[Document], float]:
    """A function that gives each document a number from 0 to 1, the same in every run: below the validation fraction
    it belongs to validation."""

    def number(document: Document) -> float:
        key = f"{seed}\0{document.source}\0{document.id}"
        return float(xxhash.xxh3_64_intdigest(key.encode()) / 2**64)

    return number
