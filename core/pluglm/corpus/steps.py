"""The steps of the corpus: what each makes of a list of documents, and its account."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from random import Random
from typing import Any, Protocol

import xxhash

from pluglm.corpus.layers import CHANGED, GONE, Layer
from pluglm.corpus.ledger import EXCERPT, Account
from pluglm.corpus.missing import tidy_fields
from pluglm.document import Document, Dropped, Unreadable
from pluglm.errors import PluglmError
from pluglm.families import CorpusPreprocessor, Intervention, Preprocessor, Source


def read_source(source: Source, label: str, account: Account, retrieved: str | None = None) -> Iterator[Document]:
    """The documents of a source, or of a part of one, with its label and weight on each, and in the metadata where and
    when (`retrieved`, where the source does not know better) it was had."""
    known = {} if retrieved is None else {"retrieved": retrieved}
    records = source.read()
    while True:
        try:
            record = next(records, None)
        except OSError as error:
            account.read += 1
            account.quarantine(str(error.filename or account.name), "unreadable", str(error))
            return
        if record is None:
            return
        account.read += 1
        if isinstance(record, Unreadable):
            account.quarantine(record.locator, record.reason, record.detail)
            continue
        if isinstance(record, Dropped):
            account.drop_record(record.reason, record.detail)
            continue
        problem = unusable(record)
        if problem:
            account.quarantine(f"{account.name}:{record.id}", problem)
            continue
        metadata = {"locator": record.id, **known, **record.metadata}
        fields = tidy_fields(record.fields, account.notes) if record.fields else {}
        weight = record.weight * source.weight
        document = replace(record, source=label, weight=weight, fields=fields, metadata=metadata)
        account.characters_in += len(document.text)
        account.keep(None, document)
        yield document


def unusable(document: Document) -> str | None:
    """Why a text cannot be kept, or None."""
    if not isinstance(document.text, str):
        return "text_is_not_a_string"
    if not document.text.isascii():
        try:
            document.text.encode()
        except UnicodeEncodeError:
            return "lone_surrogate"
    return None


class Step(Protocol):
    """Something that a station does to every document by itself, on any machine."""

    @property
    def path(self) -> str:
        """The station's name in the ledger."""
        ...

    def work(self, documents: Sequence[Document], account: Account) -> Layer:
        """What becomes of these documents."""
        ...


@dataclass(frozen=True, slots=True)
class Preprocess:
    """A preprocessor that looks at one document at a time."""

    path: str
    preprocessor: Preprocessor

    def work(self, documents: Sequence[Document], account: Account) -> Layer:
        """Each document kept, changed or dropped."""
        return layer_of(documents, account, self.preprocessor.process)


@dataclass(frozen=True, slots=True)
class ApplyDecisions:
    """A preprocessor that compares documents, once it has decided. `decisions`: by position, where anything is said of
    it; `errors`: the documents whose key could not be made, and why."""

    path: str
    preprocessor: CorpusPreprocessor
    decisions: Mapping[int, Any]
    errors: Mapping[int, str]

    def work(self, documents: Sequence[Document], account: Account) -> Layer:
        """Each document kept, changed or dropped, as was decided."""
        places = iter(range(len(documents)))

        def outcome(document: Document) -> Document | Dropped:
            place = next(places)
            if place in self.errors:
                raise _Told(self.errors[place])
            decision = self.decisions.get(place)
            return document if decision is None else self.preprocessor.apply(document, decision)

        return layer_of(documents, account, outcome)


class _Told(Exception):
    """An error that happened in another process."""


def layer_of(
    documents: Sequence[Document], account: Account, outcome_of: Callable[[Document], Document | Dropped]
) -> Layer:
    """The layer that `outcome_of` makes, with every document entered in the account."""
    layer = Layer()
    keep, rows = account.keep, layer.rows
    account.read += len(documents)
    untouched = characters = 0
    try:
        for place, document in enumerate(documents):
            try:
                outcome = outcome_of(document)
                if outcome is document:
                    untouched += 1
                    characters += len(document.text)
                    continue
                problem = None if isinstance(outcome, Dropped) else unusable(outcome)
            except PluglmError:
                # Said to the user in a line of its own: it is not this document that is wrong.
                raise
            except Exception as error:
                quarantine_error(account, document, error)
                rows.append((place, GONE, None))
                continue
            if isinstance(outcome, Dropped):
                account.drop(document, outcome.reason, outcome.detail)
                rows.append((place, GONE, None))
            elif problem is not None:
                account.quarantine(f"{document.source}:{document.id}", problem)
                rows.append((place, GONE, None))
            else:
                keep(document, outcome)
                if outcome != document:
                    rows.append((place, CHANGED, outcome))
    finally:
        # Also where the run ends at one of them.
        account.kept += untouched
        account.characters_out += characters
    account.characters_in += sum(len(document.text) for document in documents)
    return layer


def quarantine_error(account: Account, document: Document, error: Exception) -> None:
    """Enter a document at which a technique failed."""
    said = str(error) if isinstance(error, _Told) else f"{type(error).__name__}: {error}"
    account.quarantine(f"{document.source}:{document.id}", "error", said)


def change_training(
    technique: Intervention, documents: Iterable[Document], account: Account, random: Random
) -> Iterator[Document]:
    """The training documents as an intervention leaves them; documents are told apart by id."""
    # Of each document that arrived, the digest of its text, and its beginning for the samples.
    arrived: dict[str, tuple[int, Document]] = {}

    def counted() -> Iterator[Document]:
        for document in documents:
            account.read += 1
            account.characters_in += len(document.text)
            beginning = replace(document, text=document.text[:EXCERPT], fields={}, media={}, metadata={})
            arrived[document.id] = (xxhash.xxh3_64_intdigest(document.text.encode()), beginning)
            yield document

    kept: set[str] = set()
    for document in technique.change_documents(counted(), random):
        digest, before = arrived.get(document.id, (0, None))
        if before is None or document.id in kept:
            account.add(before, document)
        else:
            unchanged = digest == xxhash.xxh3_64_intdigest(document.text.encode())
            account.keep(None if unchanged else before, document)
        kept.add(document.id)
        yield document
    for identifier, (_, beginning) in arrived.items():
        if identifier not in kept:
            account.drop(beginning, "removed")


def split_hash(document: Document, seed: int) -> int:
    """64 bits that tell to which split a document belongs, whatever stands beside it and in it."""
    return xxhash.xxh3_64_intdigest(f"{seed}\0{document.source}\0{document.id}".encode())
