"""Digests, the cache folder, and results that are whole or absent."""

from __future__ import annotations

import errno
import json
import os
import shutil
from collections.abc import Callable
from contextlib import suppress
from pathlib import Path
from typing import Any

import xxhash
from filelock import FileLock

from pluglm.corpus.seal import damage, write_seal

NO_ROOM = (errno.ENOSPC, errno.EDQUOT, errno.EFBIG)


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


def make_once(
    folder: Path,
    make: Callable[[Path], None],
    waiting: Callable[[], None] | None = None,
    damaged: Callable[[str], None] | None = None,
) -> Path:
    """`folder`, made by `make(temporary folder)` unless it is already there.

    It appears whole or not at all. Of several processes that want it at once, one makes it and the others wait. One of
    whose files is no longer what it was is made again, once `damaged` was told which.
    """
    if folder.exists() and damage(folder) is None:
        # When it was used last decides how long the cache keeps it; one that others own can be read all the same.
        with suppress(OSError):
            os.utime(folder)
        return folder
    folder.parent.mkdir(parents=True, exist_ok=True)
    lock = FileLock(str(folder) + ".lock")
    if waiting is not None and lock_is_taken(lock):
        waiting()
    with lock:
        temporary = folder.with_name(folder.name + ".tmp")
        shutil.rmtree(temporary, ignore_errors=True)
        if folder.exists():
            broken = damage(folder)
            if broken is None:
                return folder
            if damaged is not None:
                damaged(broken)
            remove_whole(folder)
        try:
            temporary.mkdir()
            make(temporary)
            write_seal(temporary)
            sync_folder(temporary)
            temporary.rename(folder)
        except BaseException as error:
            shutil.rmtree(temporary, ignore_errors=True)
            if isinstance(error, OSError) and error.errno in NO_ROOM and error.filename is None:
                # Which disk is full: the system does not say it of a file that is open.
                error.filename = str(folder.parent)
            raise
    return folder


def remove_whole(folder: Path) -> None:
    """Remove a folder that `make_once` made, so that nobody, if this is stopped, sees a part of it."""
    temporary = folder.with_name(folder.name + ".tmp")
    shutil.rmtree(temporary, ignore_errors=True)
    folder.rename(temporary)
    shutil.rmtree(temporary)


def layers_lock(cache: Path) -> FileLock:
    """Held while layers are removed, so that nobody who begins to make a corpus counts on those that go."""
    return FileLock(str(cache / "layers.lock"))


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
