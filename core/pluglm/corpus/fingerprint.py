"""Digests of input files, remembered for as long as the system says that a file was not touched."""

from __future__ import annotations

import platform
import sqlite3
import time
from collections.abc import Iterable, Iterator, Sequence
from contextlib import closing, suppress
from pathlib import Path
from typing import Any

from pluglm.catalog import installed_catalog
from pluglm.families import Source
from pluglm.files.digests import file_digest
from pluglm.technique import Technique

# A change within the resolution of the clock cannot be told by the times of a file.
SETTLED_SECONDS = 2.0
KEPT_SECONDS = 1.0


def described_inputs(paths: Iterable[Path], cache: Path) -> Iterator[dict[str, Any]]:
    """Of each file its `path`, `bytes` and `digest`, or the `error` where it cannot be read.

    What was digested before is looked up by size, times and inode; the bytes decide, so that a file that was merely
    touched is the same.
    """
    with suppress(OSError):
        cache.mkdir(parents=True, exist_ok=True)
    with closing(_Known(cache / "digests.db")) as known:
        for path in paths:
            try:
                yield {"path": str(path), "bytes": path.stat().st_size, "digest": _digest(path, known)}
            except OSError as error:
                yield {"path": str(path), "error": str(error)}


def known_inputs(paths: Iterable[Path], cache: Path) -> list[dict[str, Any]] | None:
    """What `described_inputs` gives, without reading a file: None where one was not digested before, or was changed."""
    if not (cache / "digests.db").is_file():
        return None
    found = []
    with closing(_Known(cache / "digests.db")) as known:
        for path in paths:
            try:
                size, digest = path.stat().st_size, known.digest(*_state(path))
            except OSError:
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


class _Known:
    """The digests in a file. They only save time: where it is damaged, locked or cannot be written, files are read."""

    def __init__(self, path: Path) -> None:
        self._path = path
        try:
            self._database = sqlite3.connect(path, timeout=60)
        except sqlite3.Error:
            self._database = sqlite3.connect(":memory:")
        self._new: list[tuple[str, str, str]] = []
        self._kept = time.monotonic()
        self._do("CREATE TABLE IF NOT EXISTS files (path TEXT PRIMARY KEY, state TEXT, digest TEXT)")

    def digest(self, name: str, state: str) -> str | None:
        """The digest of a file in this state."""
        rows = self._do("SELECT digest FROM files WHERE path = ? AND state = ?", [(name, state)])
        return str(rows[0][0]) if rows else None

    def keep(self, name: str, state: str, digest: str) -> None:
        """Remember one, soon: to write each by itself takes longer than to digest a small file."""
        self._new.append((name, state, digest))
        if time.monotonic() - self._kept > KEPT_SECONDS:
            self._write()

    def close(self) -> None:
        """Write what is new, and let go of the file."""
        self._write()
        self._database.close()

    def _write(self) -> None:
        # No lock is held before and after, for which another process would wait.
        if self._new:
            self._do("INSERT OR REPLACE INTO files VALUES (?, ?, ?)", self._new)
        self._new, self._kept = [], time.monotonic()

    def _do(self, command: str, rows: Sequence[tuple[str, ...]] | None = None) -> list[Any]:
        try:
            with self._database:
                if rows is not None and len(rows) > 1:
                    self._database.executemany(command, rows)
                    return []
                return self._database.execute(command, rows[0] if rows else ()).fetchall()
        except sqlite3.OperationalError:
            return []
        except sqlite3.DatabaseError:
            # No database any more: the next run begins a new one.
            with suppress(OSError):
                self._path.unlink()
            return []


def _state(path: Path) -> tuple[str, str]:
    stat = path.stat()
    # A name that is no UTF-8 has surrogates, which SQLite does not take.
    name = str(path.resolve()).encode("utf-8", "backslashreplace").decode()
    return name, f"{stat.st_size} {stat.st_mtime_ns} {stat.st_ctime_ns} {stat.st_ino}"


def _digest(path: Path, known: _Known) -> str:
    stat = path.stat()
    name, state = _state(path)
    if (found := known.digest(name, state)) is not None:
        return found
    digest = file_digest(path)
    if time.time() - max(stat.st_mtime, stat.st_ctime) > SETTLED_SECONDS:
        known.keep(name, state, digest)
    return digest
