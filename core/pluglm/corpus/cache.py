"""What is kept between runs: what was fetched, what stations made of documents, corpora, examples, and what evaluators
computed of documents alone."""

from __future__ import annotations

import json
import shutil
from collections.abc import Iterable, Iterator
from contextlib import suppress
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path

from pluglm.files.locks import Lock
from pluglm.files.replacing import remove_folder
from pluglm.files.storage import layers_lock

KINDS = ("fetched", "corpora", "examples", "evaluators")
HALF_MADE = (".lock", ".tmp", ".parts")
ABANDONED = timedelta(hours=1)


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
    """All of them, by kind and then from the one used last. The layers of all stations are one."""
    for kind in KINDS:
        folder = cache / kind
        found = [path for path in folder.iterdir() if path.suffix not in HALF_MADE] if folder.is_dir() else []
        yield from sorted((_entry(kind, path) for path in found), key=lambda entry: entry.used, reverse=True)
    layers = list(_layers(cache))
    if layers:
        yield _layers_entry(cache, layers)


def prune(cache: Path, unused: timedelta, now: datetime | None = None) -> list[Entry]:
    """Remove what no run has taken for as long as `unused`, and what a killed run left half made; return the former.

    What another process is making at this moment is left alone.
    """
    moment = now or datetime.now(UTC)
    removed, latest = [], moment - unused
    if not cache.is_dir():
        return []
    with layers_lock(cache):
        # A corpus that is being made takes layers, and examples that are being made take a corpus: whose, is not known.
        working = {kind for kind in KINDS if any(_is_locked(lock) for lock in (cache / kind).glob("*.lock"))}
        for entry in list(entries(cache)):
            left = entry.kind == "corpora" and "examples" in working
            if entry.kind in KINDS and entry.used <= latest and not left and not _is_being_made(entry.path):
                remove_folder(entry.path) if entry.path.is_dir() else entry.path.unlink()
                removed.append(entry)
        old = [] if "corpora" in working else [(path, used) for path, used in _layers(cache) if used <= latest]
        if old:
            removed.append(_layers_entry(cache, old))
            for path, _ in old:
                for part in (path, path.with_suffix(".arrow"), path.with_suffix(".keys"), path.with_suffix(".ids")):
                    part.unlink(missing_ok=True)
        for path in [] if working else (cache / "logs").glob("*"):
            if _time(path) <= latest:
                shutil.rmtree(path, ignore_errors=True)
    for kind in KINDS:
        for path in [*(cache / kind).glob("*.tmp"), *(cache / kind).glob("*.parts")]:
            if not _is_being_made(path.with_suffix("")):
                shutil.rmtree(path, ignore_errors=True)
    for path in (cache / "layers").glob("*.tmp"):
        # One that is being written gets its name while it is looked at.
        with suppress(FileNotFoundError):
            if _time(path) <= moment - ABANDONED:
                path.unlink()
    return removed


def _layers(cache: Path) -> Iterator[tuple[Path, datetime]]:
    """The account of each layer, and when it was used last."""
    for path in sorted((cache / "layers").glob("*.json")):
        with suppress(FileNotFoundError):
            yield path, _time(path)


def _layers_entry(cache: Path, layers: list[tuple[Path, datetime]]) -> Entry:
    parts = [path.with_suffix(suffix) for path, _ in layers for suffix in (".json", ".arrow", ".keys", ".ids")]
    size = _size(parts)
    return Entry("layers", cache / "layers", size, max(used for _, used in layers), f"{len(layers):,} layers")


def _size(paths: Iterable[Path]) -> int:
    size = 0
    for path in paths:
        # Others may be at work.
        with suppress(FileNotFoundError):
            size += path.stat().st_size if path.is_file() else 0
    return size


def _time(path: Path) -> datetime:
    return datetime.fromtimestamp(path.stat().st_mtime, UTC)


def _is_being_made(path: Path) -> bool:
    return _is_locked(path.with_name(path.name + ".lock"))


def _is_locked(lock: Path) -> bool:
    return Lock(lock).is_taken()


def _entry(kind: str, path: Path) -> Entry:
    return Entry(kind, path, _size([path, *path.rglob("*")]), _time(path), _about(path))


def _about(path: Path) -> str:
    try:
        ledger = json.loads((path / "ledger.json").read_text(encoding="utf-8"))
    except (OSError, ValueError):
        return ""
    if isinstance(ledger, dict):
        return ", ".join(f"{split} {account['examples']:,} examples" for split, account in ledger["tokens"].items())
    names = [station["station"].partition(".")[2] or station["station"] for station in ledger]
    return " > ".join(names)
