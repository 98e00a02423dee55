"""The cache folder, and folders that are made once, whole or not at all."""

from __future__ import annotations

import os
from collections.abc import Callable
from contextlib import suppress
from pathlib import Path

from pluglm.errors import FULL
from pluglm.files.locks import Lock
from pluglm.files.replacing import replaced_folder
from pluglm.files.seal import damaged_file, write_seal


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
    if folder.exists() and damaged_file(folder) is None:
        # When it was used last decides how long the cache keeps it; one that others own can be read all the same.
        with suppress(OSError):
            os.utime(folder)
        return folder
    folder.parent.mkdir(parents=True, exist_ok=True)
    lock = Lock(Path(f"{folder}.lock"))
    if waiting is not None and lock.is_taken():
        waiting()
    with lock:
        if folder.exists():
            broken = damaged_file(folder)
            if broken is None:
                return folder
            if damaged is not None:
                damaged(broken)
        try:
            with replaced_folder(folder) as temporary:
                make(temporary)
                write_seal(temporary)
        except OSError as error:
            if error.errno in FULL and error.filename is None:
                # Which disk is full: the system does not say it of a file that is open.
                error.filename = str(folder.parent)
            raise
    return folder


def layers_lock(cache: Path) -> Lock:
    """Held while layers are removed, so that nobody who begins to make a corpus counts on those that go."""
    return Lock(cache / "layers.lock")


def cache_folder(configured: Path | None) -> Path:
    """Where prepared data is kept: as configured, else `$PLUGLM_CACHE`, else the user's cache folder."""
    if configured is not None:
        return configured
    if "PLUGLM_CACHE" in os.environ:
        return Path(os.environ["PLUGLM_CACHE"])
    return Path(os.environ.get("XDG_CACHE_HOME", Path.home() / ".cache")) / "pluglm"
