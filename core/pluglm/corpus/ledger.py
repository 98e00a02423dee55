"""The account of every document: what each station read, kept, dropped and why."""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from pluglm.corpus.document import Document
from pluglm.errors import DataError

SAMPLES = 3
EXCERPT = 400


@dataclass(slots=True)
class Station:
    """One station's figures. They balance: read + added = kept + dropped + quarantined."""

    name: str
    read: int = 0
    added: int = 0
    kept: int = 0
    changed: int = 0
    characters_in: int = 0
    characters_out: int = 0
    dropped: Counter[str] = field(default_factory=Counter)
    quarantined: Counter[str] = field(default_factory=Counter)
    samples: list[dict[str, str]] = field(default_factory=list)
    dropped_samples: list[dict[str, str]] = field(default_factory=list)

    def keep(self, before: Document | None, after: Document) -> None:
        """Count a document that goes on, and what happened to it."""
        self.kept += 1
        self.characters_out += len(after.text)
        if before is not None and before.text != after.text:
            self.changed += 1
            if len(self.samples) < SAMPLES:
                self.samples.append(_sample(before, after))

    def drop(self, document: Document, reason: str) -> None:
        """Count a document that ends here on purpose."""
        self.dropped[reason] += 1
        if sum(sample["reason"] == reason for sample in self.dropped_samples) < SAMPLES:
            text = document.text[:EXCERPT]
            self.dropped_samples.append({"id": document.id, "reason": reason, "text": text})

    def balances(self) -> bool:
        """Whether every document is accounted for."""
        return self.read + self.added == self.kept + self.dropped.total() + self.quarantined.total()

    def as_dict(self) -> dict[str, Any]:
        """Plain data for ledger.json."""
        return {
            "station": self.name,
            "read": self.read,
            "added": self.added,
            "kept": self.kept,
            "changed": self.changed,
            "characters_in": self.characters_in,
            "characters_out": self.characters_out,
            "dropped": dict(sorted(self.dropped.items())),
            "quarantined": dict(sorted(self.quarantined.items())),
            "samples": self.samples,
            "dropped_samples": self.dropped_samples,
        }


def _sample(before: Document, after: Document) -> dict[str, str]:
    # Begin shortly before the first difference: most changes are not in the first line.
    first = next((i for i, (a, b) in enumerate(zip(before.text, after.text, strict=False)) if a != b), None)
    start = max(0, (min(len(before.text), len(after.text)) if first is None else first) - EXCERPT // 4)
    return {
        "id": after.id,
        "before": before.text[start : start + EXCERPT],
        "after": after.text[start : start + EXCERPT],
    }


@dataclass(slots=True)
class Quarantine:
    """Writes what could not be used to quarantine.jsonl, or ends the run there if it was told to.

    Raises (from `put`):
        DataError: with `stop`, naming the station, record and reason.
    """

    path: Path
    stop: bool
    lines: int = 0

    def put(self, station: Station, locator: str, reason: str, detail: str = "") -> None:
        """Count one record as quarantined by `station` and write it down."""
        if self.stop:
            said = f" ({detail})" if detail else ""
            raise DataError(f"{station.name}: {locator}: {reason}{said}; stopped because data.on_error=stop")
        station.quarantined[reason] += 1
        self.lines += 1
        line = {"station": station.name, "locator": locator, "reason": reason, "detail": detail[:500]}
        with self.path.open("a", encoding="utf-8") as file:
            file.write(json.dumps(line, ensure_ascii=True) + "\n")


def check_balance(stations: Sequence[Mapping[str, Any]]) -> None:
    """Raises:
    DataError: where a station's figures do not add up, which is a defect of that station.
    """
    for station in stations:
        if "read" not in station or "kept" not in station:
            continue
        arrived = station["read"] + station.get("added", 0)
        left = station["kept"] + sum(station["dropped"].values()) + sum(station["quarantined"].values())
        if arrived != left:
            raise DataError(f"{station['station']}: {arrived} documents went in and {left} are accounted for")
