"""Digests, the cache folder, and results that are whole or absent."""

from __future__ import annotations

import json
import os
import shutil
from collections.abc import Callable
from contextlib import suppress
from pathlib import Path
from typing import Any

import xxhash
from filelock import FileLock


def digest(value: Any) -> str:
    """A short name for JSON-able data, the same for equal data on every machine."""
    return xxhash.xxh3_128_hexdigest(json.dumps(value, sort_keys=True, default=str).encode())


def file_digest(path: Path) -> str:
    """The digest of a file's bytes."""
    state = xxhash.xxh3_128()
    with path.open("rb") as file:
        while block := file.read(1 << 20):
            state.update(block)
    return state.hexdigest()


def make_once(folder: Path, make: Callable[[Path], None], waiting: Callable[[], None] | None = None) -> Path:
    """`folder`, made by `make(temporary folder)` unless it is already there.

    It appears whole or not at all. Of several processes that want it at once, one makes it and the others wait.
    """
    if folder.exists():
        # When it was used last decides how long the cache keeps it; one that others own can be read all the same.
        with suppress(OSError):
            os.utime(folder)
        return folder
    folder.parent.mkdir(parents=True, exist_ok=True)
    lock = FileLock(str(folder) + ".lock")
    if waiting is not None and lock_is_taken(lock):
        waiting()
    with lock:
        if folder.exists():
            return folder
        temporary = folder.with_name(folder.name + ".tmp")
        shutil.rmtree(temporary, ignore_errors=True)
        temporary.mkdir()
        try:
            make(temporary)
            sync_folder(temporary)
            temporary.rename(folder)
        except BaseException:
            shutil.rmtree(temporary, ignore_errors=True)
            raise
    return folder


def lock_is_taken(lock: FileLock) -> bool:
    """Whether another process holds `lock` now."""
    try:
        lock.acquire(blocking=False)
    except TimeoutError:
        return True
    lock.release()
    return False


def sync_folder(folder: Path) -> None:
    """Force every file below `folder`, and the folder itself, to disk."""
    for path in [*folder.rglob("*"), folder]:
        descriptor = os.open(path, os.O_RDONLY)
        try:
            os.fsync(descriptor)
        finally:
            os.close(descriptor)


def cache_folder(configured: Path | None) -> Path:
    """Where prepared data is kept: as configured, else `$PLUGLM_CACHE`, else the user's cache folder."""
    if configured is not None:
        return configured
    if "PLUGLM_CACHE" in os.environ:
        return Path(os.environ["PLUGLM_CACHE"])
    return Path(os.environ.get("XDG_CACHE_HOME", Path.home() / ".cache")) / "pluglm"
