"""The account of every document: what each station read, kept, dropped and why."""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field, replace
from itertools import compress, islice
from pathlib import Path
from typing import TYPE_CHECKING, Any

from pluglm.document import Document
from pluglm.errors import DataError

if TYPE_CHECKING:
    from pluglm.runs.accounts import KeepAccounts

SAMPLES = 3
EXCERPT = 400


@dataclass(slots=True)
class Account:
    """One station's figures. They balance: read + added = kept + dropped + quarantined.

    `changed` counts documents with another text or field, `noted` those of which only the metadata or the weight became
    another. `records` are the lines of quarantine.jsonl; with `stop`, the first of them ends the run instead. `notes`
    says in words what was taken otherwise than it stands in the files, and of how many documents; `details` what was
    said of the first record that was quarantined for a reason.
    """

    name: str
    stop: bool = False
    read: int = 0
    added: int = 0
    kept: int = 0
    changed: int = 0
    noted: int = 0
    characters_in: int = 0
    characters_out: int = 0
    characters_added: int = 0
    dropped: Counter[str] = field(default_factory=Counter)
    quarantined: Counter[str] = field(default_factory=Counter)
    samples: list[dict[str, str]] = field(default_factory=list)
    noted_samples: list[dict[str, str]] = field(default_factory=list)
    dropped_samples: list[dict[str, str]] = field(default_factory=list)
    records: list[dict[str, str]] = field(default_factory=list)
    notes: Counter[str] = field(default_factory=Counter)
    details: dict[str, str] = field(default_factory=dict)

    def keep(self, before: Document | None, after: Document) -> None:
        """Count a document that goes on, and what happened to it."""
        self.kept += 1
        self.characters_out += len(after.text)
        if before is None or before is after:
            return
        if before.text != after.text or before.fields != after.fields:
            self.changed += 1
            if len(self.samples) < SAMPLES:
                self.samples.append(_sample(before, after))
        elif before.metadata != after.metadata or before.weight != after.weight:
            self.noted += 1
            if len(self.noted_samples) < SAMPLES:
                self.noted_samples.append(_sample(before, after))

    def add(self, before: Document | None, after: Document) -> None:
        """Count a document that was not there before; `before`: the one it was made of."""
        self.added += 1
        self.characters_added += len(after.text)
        self.keep(before, after)

    def pass_all(self, documents: Sequence[Document]) -> None:
        """Count documents that arrive and go on as they are."""
        characters = sum([len(document.text) for document in documents])
        self.read += len(documents)
        self.kept += len(documents)
        self.characters_in += characters
        self.characters_out += characters

    def add_all(self, before: Sequence[Document], after: Sequence[Document]) -> None:
        """`add` for many documents, each beside the one it was made of."""
        other = [b.text != a.text or b.fields != a.fields for b, a in zip(before, after, strict=True)]
        characters = sum([len(document.text) for document in after])
        self.added += len(after)
        self.kept += len(after)
        self.changed += sum(other)
        self.characters_added += characters
        self.characters_out += characters
        pairs = compress(zip(before, after, strict=True), other)
        self.samples += [_sample(*pair) for pair in islice(pairs, SAMPLES - len(self.samples))]

    def drop(self, document: Document, reason: str, detail: str = "") -> None:
        """Count a document that ends here on purpose."""
        self.dropped[reason] += 1
        if sum(sample["reason"] == reason for sample in self.dropped_samples) < SAMPLES:
            sample = {"id": document.id, "reason": reason, "text": document.text[:EXCERPT]}
            self.dropped_samples.append(sample | ({"detail": detail[:EXCERPT]} if detail else {}))

    def drop_record(self, reason: str, detail: str = "") -> None:
        """Count a record that a source left out on purpose; with a `detail`, that stands among the samples."""
        self.dropped[reason] += 1
        if detail and sum(sample["reason"] == reason for sample in self.dropped_samples) < SAMPLES:
            self.dropped_samples.append({"id": "", "reason": reason, "text": "", "detail": detail[:EXCERPT]})

    def quarantine(self, locator: str, reason: str, detail: str = "") -> None:
        """Count one record that cannot be used, and keep it for quarantine.jsonl.

        Raises:
            DataError: with `stop`, naming the station, record and reason.
        """
        record = {"station": self.name, "locator": locator, "reason": reason, "detail": detail[:500]}
        self.quarantined[reason] += 1
        self.details.setdefault(reason, record["detail"])
        self.records.append(record)
        if self.stop:
            raise stopped_at(record)

    def merge(self, other: Account) -> None:
        """Add what the same station counted of later documents. Its records are not taken over."""
        for name in ("read", "added", "kept", "changed", "noted"):
            setattr(self, name, getattr(self, name) + getattr(other, name))
        for name in ("characters_in", "characters_out", "characters_added"):
            setattr(self, name, getattr(self, name) + getattr(other, name))
        self.dropped.update(other.dropped)
        self.quarantined.update(other.quarantined)
        self.notes.update(other.notes)
        self.details = other.details | self.details
        self.samples += other.samples[: SAMPLES - len(self.samples)]
        self.noted_samples += other.noted_samples[: SAMPLES - len(self.noted_samples)]
        for sample in other.dropped_samples:
            if sum(known["reason"] == sample["reason"] for known in self.dropped_samples) < SAMPLES:
                self.dropped_samples.append(sample)

    def settled(self) -> Account:
        """The account of work that was broken off, without the documents that were read and of which nothing is known
        yet, so that it balances."""
        known = self.kept + self.dropped.total() + self.quarantined.total()
        return replace(self, read=max(0, known - self.added))

    def as_dict(self) -> dict[str, Any]:
        """Plain data for ledger.json."""
        return {
            "station": self.name,
            "read": self.read,
            "added": self.added,
            "kept": self.kept,
            "changed": self.changed,
            "noted": self.noted,
            "characters_in": self.characters_in,
            "characters_out": self.characters_out,
            "characters_added": self.characters_added,
            "dropped": dict(sorted(self.dropped.items())),
            "quarantined": dict(sorted(self.quarantined.items())),
            "samples": self.samples,
            "noted_samples": self.noted_samples,
            "dropped_samples": self.dropped_samples,
        } | {name: dict(sorted(found.items())) for name in ("notes", "details") if (found := getattr(self, name))}

    @classmethod
    def from_dict(cls, data: Mapping[str, Any], records: Sequence[dict[str, str]] = ()) -> Account:
        """What `as_dict` gave."""
        plain = {key: value for key, value in data.items() if key != "station"}
        for name in ("dropped", "quarantined", "notes"):
            plain[name] = Counter(plain.get(name, {}))
        return cls(data["station"], records=list(records), **plain)


def stopped_at(record: Mapping[str, str]) -> DataError:
    """What a run ends with that was told to stop at a record that cannot be used."""
    said = f" ({record['detail']})" if record["detail"] else ""
    place = f"{record['station']}: {record['locator']}: {record['reason']}{said}"
    return DataError(f"{place}; stopped because data.on_error=stop")


class Book:
    """The stations of a corpus in the order in which documents met them, and its quarantine.jsonl. With `stop`, an
    account with quarantined records is refused: it may be from the cache, of a run that went on."""

    def __init__(self, quarantine: Path, stop: bool = False) -> None:
        self.stations: dict[str, Account] = {}
        self._stop = stop
        self._quarantine = quarantine
        quarantine.touch()

    def enter(self, part: Account) -> None:
        """Add one chunk's account to that of its station.

        Raises:
            DataError: with `stop`, naming the first record that was quarantined.
        """
        self.keep(part)
        if self._stop and part.records:
            raise stopped_at(part.records[0])

    def keep(self, part: Account) -> None:
        """Add one chunk's account, also where it is one that ends the run."""
        self.stations.setdefault(part.name, Account(part.name)).merge(part)
        if part.records:
            with self._quarantine.open("a", encoding="utf-8") as file:
                file.writelines(json.dumps(record, ensure_ascii=True) + "\n" for record in part.records)

    def accounts(self) -> list[dict[str, Any]]:
        """The account of each station as plain data, in order."""
        return [account.as_dict() for account in self.stations.values()]

    @contextmanager
    def kept_on_error(self, keep: KeepAccounts | None) -> Iterator[None]:
        """Give the accounts and the quarantine to `keep` if the context ends with an error."""
        try:
            yield
        except BaseException:
            if keep is not None:
                keep(self.accounts(), self._quarantine)
            raise


def check_quarantine(account: Account, most: float) -> None:
    """Raises:
    DataError: where more than the share `most` of a station's records was quarantined.
    """
    bad = account.quarantined.total()
    if account.read and bad / account.read > most:
        reasons = ", ".join(f"{reason} {n}" for reason, n in account.quarantined.most_common(5))
        detail = account.details.get(account.quarantined.most_common(1)[0][0], "")
        raise DataError(
            f"{account.name}: {bad} of {account.read} records cannot be used ({reasons}), more than "
            f"data.max_quarantined={most} allows" + (f"; {detail}" if detail else "")
        )


def _sample(before: Document, after: Document) -> dict[str, str]:
    if before.text == after.text:
        old, new = _besides(before), _besides(after)
        different = sorted(name for name in old | new if old.get(name) != new.get(name))
        begin = before.text[: EXCERPT // 2]
        said = ["\n".join([begin, *(f"{n}: {d[n]}"[:EXCERPT] for n in different if n in d)]) for d in (old, new)]
        return {"id": after.id, "before": said[0], "after": said[1]}
    # Begin shortly before the first difference: most changes are not in the first line.
    first = next((i for i, (a, b) in enumerate(zip(before.text, after.text, strict=False)) if a != b), None)
    start = max(0, (min(len(before.text), len(after.text)) if first is None else first) - EXCERPT // 4)
    return {
        "id": after.id,
        "before": before.text[start : start + EXCERPT],
        "after": after.text[start : start + EXCERPT],
    }


def _besides(document: Document) -> dict[str, Any]:
    """What a document says of itself besides its text, by name."""
    return document.metadata | document.fields | {"weight": document.weight}


def check_balance(stations: Sequence[Mapping[str, Any]]) -> None:
    """Raises:
    DataError: where a station's figures do not add up, which is a defect of that station.
    """
    for account in stations:
        if "read" not in account or "kept" not in account:
            continue
        arrived = account["read"] + account.get("added", 0)
        left = account["kept"] + sum(account["dropped"].values()) + sum(account["quarantined"].values())
        if arrived != left:
            raise DataError(f"{account['station']}: {arrived} documents went in and {left} are accounted for")
