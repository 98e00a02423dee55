"""From the sources to `train.jsonl` and `validation.jsonl`, made once for all runs that ask for the same."""

from __future__ import annotations

import json
import platform
from collections.abc import Iterator
from dataclasses import dataclass, replace
from pathlib import Path
from random import Random
from typing import TYPE_CHECKING, Any

from pluglm.catalog import installed_catalog
from pluglm.config.run_config import RunConfig
from pluglm.corpus import stations
from pluglm.corpus.document import Document
from pluglm.corpus.ledger import Quarantine, Station, check_balance
from pluglm.corpus.storage import cache_folder, digest, file_digest, make_once, read_documents, write_documents
from pluglm.errors import DataError

if TYPE_CHECKING:
    from pluglm.reporting.progress import Progress


@dataclass(frozen=True, slots=True)
class Corpus:
    """A prepared corpus on disk. `key` names its content; `ledger` lists its stations."""

    folder: Path
    key: str
    inputs: list[dict[str, Any]]
    ledger: list[dict[str, Any]]

    def train(self) -> Iterator[Document]:
        """The training documents, streamed."""
        return read_documents(self.folder / "train.jsonl")

    def validation(self) -> Iterator[Document]:
        """The held-out documents, streamed."""
        return read_documents(self.folder / "validation.jsonl")


def prepare_corpus(config: RunConfig, progress: Progress) -> Corpus:
    """The corpus of a run, from the cache where it has been made before.

    Raises:
        DataError: where records are bad and the run was told to stop at them, or too many are, or nothing is left.
    """
    inputs = list(_inputs(config))
    key = digest(_recipe(config) | {"inputs": inputs})
    folder = make_once(
        cache_folder(config.data.cache_dir) / "corpora" / key,
        lambda temporary: _make(config, temporary, progress),
        waiting=lambda: progress.say("Another run is preparing the same corpus; waiting for it"),
    )
    ledger = json.loads((folder / "ledger.json").read_text(encoding="utf-8"))
    return Corpus(folder, key, inputs, ledger)


def _inputs(config: RunConfig) -> Iterator[dict[str, Any]]:
    for source in config.source.values():
        for path in source.inputs():
            try:
                yield {"path": str(path), "bytes": path.stat().st_size, "digest": file_digest(path)}
            except OSError as error:
                yield {"path": str(path), "error": str(error)}


def _recipe(config: RunConfig) -> dict[str, Any]:
    catalog = installed_catalog()
    names = ["source", "preprocessor", "debiaser", "regularizer", "compressor", "augmenter"]
    chosen = [(path, technique) for path, technique in config.techniques() if path.split(".")[0] in names]
    changing = [
        (path, technique)
        for path, technique in chosen
        if "change_documents" in getattr(technique, "moments", lambda: {"change_documents"})()
    ]
    return {
        "techniques": [
            (path, technique.name, technique.model_dump(mode="json"), catalog.owner(type(technique)).version)
            for path, technique in changing
        ],
        "validation_fraction": config.data.validation_fraction,
        "max_quarantined": config.data.max_quarantined,
        "on_error": config.data.on_error,
        "seed": config.seed,
        "python": platform.python_version(),
    }


def _make(config: RunConfig, folder: Path, progress: Progress) -> None:
    quarantine = Quarantine(folder / "quarantine.jsonl", stop=config.data.on_error == "stop")
    quarantine.path.touch()
    book: list[Station] = []
    documents = _preprocessed(config, folder, quarantine, book)
    spool = folder / "documents.tmp"
    number = stations.split_number(config.seed)
    numbers: list[float] = []

    def counted() -> Iterator[Document]:
        with progress.task("Reading and preprocessing", unit="documents") as task:
            for document in documents:
                numbers.append(number(document))
                task.advance(1)
                yield document

    write_documents(spool, counted())
    _check_quarantine(config, book)
    if not numbers:
        dropped = {f"{s.name}: {reason}": n for s in book for reason, n in s.dropped.items()}
        said = "; ".join(f"{reason} {n}" for reason, n in dropped.items()) or "the sources gave none"
        raise DataError(f"no document is left to train on ({said})")
    split = _split(spool, folder, numbers, config.data.validation_fraction)
    spool.unlink()
    training_book: list[Station] = []
    write_documents(folder / "train.jsonl", _training(config, folder, quarantine, training_book, progress))
    (folder / "training.tmp").unlink()
    ledger = [station.as_dict() for station in book] + [split] + [station.as_dict() for station in training_book]
    check_balance(ledger)
    (folder / "ledger.json").write_text(json.dumps(ledger, indent=1), encoding="utf-8")


def _preprocessed(config: RunConfig, folder: Path, quarantine: Quarantine, book: list[Station]) -> Iterator[Document]:
    def read() -> Iterator[Document]:
        for source, station in zip(config.source.values(), sources, strict=True):
            yield from stations.read_source(source, station, quarantine)

    sources = [Station(f"source.{label}") for label in config.source]
    book += sources
    documents: Iterator[Document] = read()
    for position, (label, preprocessor) in enumerate(config.preprocessor.items()):
        station = Station(f"preprocessor.{label}")
        book.append(station)
        spool = folder / f"spool-{position}.tmp"
        documents = stations.preprocess(preprocessor, documents, station, quarantine, spool)
    return documents


def _check_quarantine(config: RunConfig, book: list[Station]) -> None:
    for station in book:
        bad = station.quarantined.total()
        if station.read and bad / station.read > config.data.max_quarantined:
            reasons = ", ".join(f"{reason} {n}" for reason, n in station.quarantined.most_common(5))
            raise DataError(
                f"{station.name}: {bad} of {station.read} records cannot be used ({reasons}), more than "
                f"data.max_quarantined={config.data.max_quarantined} allows"
            )


def _split(spool: Path, folder: Path, numbers: list[float], fraction: float) -> dict[str, Any]:
    """Write validation.jsonl and the other documents to training.tmp; a corpus too small for its fraction still gets
    one document, or one document's end, to validate on."""
    counts = {"train": 0, "validation": 0}
    # The least number always validates and the greatest always trains, so that neither split is empty.
    lowest, highest = min(numbers), max(numbers)

    def parts() -> Iterator[tuple[str, Document]]:
        for document, number in zip(read_documents(spool), numbers, strict=True):
            if len(numbers) == 1:
                cut = max(1, int(len(document.text) * (1 - max(fraction, 0.02))))
                yield "train", replace(document, text=document.text[:cut])
                yield "validation", replace(document, text=document.text[cut:], id=document.id + "~end")
            elif number == lowest or (number < fraction and number != highest):
                yield "validation", document
            else:
                yield "train", document

    def training(validation: list[Document]) -> Iterator[Document]:
        for name, document in parts():
            counts[name] += 1
            if name == "train":
                yield document
            else:
                validation.append(document)

    validation: list[Document] = []
    write_documents(folder / "training.tmp", training(validation))
    write_documents(folder / "validation.jsonl", validation)
    return {
        "station": "split",
        "read": len(numbers),
        "added": int(len(numbers) == 1),
        "kept": sum(counts.values()),
        "dropped": {},
        "quarantined": {},
    } | counts


def _training(
    config: RunConfig, folder: Path, quarantine: Quarantine, book: list[Station], progress: Progress
) -> Iterator[Document]:
    documents = read_documents(folder / "training.tmp")
    for path, technique in config.interventions().items():
        if "change_documents" in technique.moments():
            station = Station(path)
            book.append(station)
            random = Random(f"{config.seed}/{path}")
            documents = stations.change_training(technique, documents, station, random)
    for label, augmenter in config.augmenter.items():
        station = Station(f"augmenter.{label}")
        book.append(station)
        documents = stations.augment(augmenter, documents, station, quarantine, config.seed)
    if not book:
        yield from documents
        return
    with progress.task("Changing training documents", unit="documents") as task:
        for document in documents:
            task.advance(1)
            yield document
