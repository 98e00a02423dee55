"""Digests of input files, remembered for as long as the system says that a file was not touched."""

from __future__ import annotations

import platform
import sqlite3
import time
from collections.abc import Iterable, Iterator
from contextlib import closing
from pathlib import Path
from typing import Any

from pluglm.catalog import installed_catalog
from pluglm.corpus.storage import file_digest
from pluglm.families import Source
from pluglm.technique import Technique

# A change within the resolution of the clock cannot be told by the times of a file.
SETTLED_SECONDS = 2.0


def described_inputs(paths: Iterable[Path], cache: Path) -> Iterator[dict[str, Any]]:
    """Of each file its `path`, `bytes` and `digest`, or the `error` where it cannot be read.

    What was digested before is looked up by size, times and inode; the bytes decide, so that a file that was merely
    touched is the same.
    """
    cache.mkdir(parents=True, exist_ok=True)
    with closing(sqlite3.connect(cache / "digests.db", timeout=60)) as known:
        known.execute("CREATE TABLE IF NOT EXISTS files (path TEXT PRIMARY KEY, state TEXT, digest TEXT)")
        for path in paths:
            try:
                yield {"path": str(path), "bytes": path.stat().st_size, "digest": _digest(path, known)}
            except OSError as error:
                yield {"path": str(path), "error": str(error)}
        known.commit()


def known_inputs(paths: Iterable[Path], cache: Path) -> list[dict[str, Any]] | None:
    """What `described_inputs` gives, without reading a file: None where one was not digested before, or was changed."""
    if not (cache / "digests.db").is_file():
        return None
    found = []
    with closing(sqlite3.connect(cache / "digests.db", timeout=60)) as known:
        for path in paths:
            try:
                size, digest = path.stat().st_size, _known(path, known)
            except (OSError, sqlite3.Error):
                return None
            if digest is None:
                return None
            found.append({"path": str(path), "bytes": size, "digest": digest})
    return found


def described(technique: Technique, cache: Path) -> list[Any]:
    """All that makes a technique what it is: name, parameters, version, and the bytes of the files it reads. A source's
    inputs are counted by themselves."""
    version = installed_catalog().owner(type(technique)).version
    said = [technique.name, technique.model_dump(mode="json"), version, platform.python_version()]
    files = [] if isinstance(technique, Source) else [file for path in technique.files_read() for file in _files(path)]
    return [*said, list(described_inputs(files, cache))] if files else said


def _files(path: Path) -> list[Path]:
    path = path.expanduser()
    if not path.is_dir():
        return [path]
    # Of a run folder only the model counts: reports and checkpoints come and go.
    folder = path / "model" if (path / "config.yaml").is_file() and (path / "model").is_dir() else path
    return sorted(file for file in folder.rglob("*") if file.is_file())


def _known(path: Path, known: sqlite3.Connection) -> str | None:
    row = known.execute("SELECT digest FROM files WHERE path = ? AND state = ?", _state(path)).fetchone()
    return None if row is None else str(row[0])


def _state(path: Path) -> tuple[str, str]:
    stat = path.stat()
    return str(path.resolve()), f"{stat.st_size} {stat.st_mtime_ns} {stat.st_ctime_ns} {stat.st_ino}"


def _digest(path: Path, known: sqlite3.Connection) -> str:
    stat = path.stat()
    name, state = _state(path)
    if (found := _known(path, known)) is not None:
        return found
    digest = file_digest(path)
    if time.time() - max(stat.st_mtime, stat.st_ctime) > SETTLED_SECONDS:
        known.execute("INSERT OR REPLACE INTO files VALUES (?, ?, ?)", (name, state, digest))
    return digest
