"""What is kept between runs: corpora, examples and what evaluators computed of documents alone."""

from __future__ import annotations

import json
import shutil
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path

from filelock import FileLock

from pluglm.corpus.storage import lock_is_taken

KINDS = ("corpora", "examples", "evaluators")


@dataclass(frozen=True, slots=True)
class Entry:
    """One result in the cache. `bytes`: its size on disk; `used`: when a run took it last, in UTC; `about`: what it
    holds, as its ledger says."""

    kind: str
    path: Path
    bytes: int
    used: datetime
    about: str


def entries(cache: Path) -> Iterator[Entry]:
    """All of them, by kind and then from the one used last."""
    for kind in KINDS:
        folder = cache / kind
        found = [path for path in folder.iterdir() if path.suffix not in (".lock", ".tmp")] if folder.is_dir() else []
        yield from sorted((_entry(kind, path) for path in found), key=lambda entry: entry.used, reverse=True)


def prune(cache: Path, unused: timedelta, now: datetime | None = None) -> list[Entry]:
    """Remove what no run has taken for as long as `unused`, and what a killed run left half made; return the former.

    What another process is making at this moment is left alone.
    """
    removed, latest = [], (now or datetime.now(UTC)) - unused
    for entry in list(entries(cache)):
        if entry.used <= latest and not _is_being_made(entry.path):
            shutil.rmtree(entry.path) if entry.path.is_dir() else entry.path.unlink()
            removed.append(entry)
    for kind in KINDS:
        for path in (cache / kind).glob("*.tmp"):
            if not _is_being_made(path.with_suffix("")):
                shutil.rmtree(path, ignore_errors=True)
    return removed


def _is_being_made(path: Path) -> bool:
    lock = path.with_name(path.name + ".lock")
    return lock.exists() and lock_is_taken(FileLock(str(lock)))


def _entry(kind: str, path: Path) -> Entry:
    size = sum(file.stat().st_size for file in [path, *path.rglob("*")] if file.is_file())
    return Entry(kind, path, size, datetime.fromtimestamp(path.stat().st_mtime, UTC), _about(path))


def _about(path: Path) -> str:
    try:
        ledger = json.loads((path / "ledger.json").read_text(encoding="utf-8"))
    except (OSError, ValueError):
        return ""
    if isinstance(ledger, dict):
        return ", ".join(f"{split} {account['examples']:,} examples" for split, account in ledger["tokens"].items())
    names = [station["station"].partition(".")[2] or station["station"] for station in ledger]
    return " > ".join(names)
