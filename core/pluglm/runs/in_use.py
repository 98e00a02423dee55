"""One process at a time works in a run folder."""

from __future__ import annotations

import os
import platform
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from pluglm.errors import ConfigError, Problem
from pluglm.files.locks import Lock, holder

LOCK = ".running"
"""The file in a run folder that the process that works in it holds; it is gone when the process is done."""
HELD_ABOVE = "PLUGLM_RUN_HELD"
"""The environment variable that tells the processes of a run which folder the one that started them holds for them."""
WAITED_SECONDS = 0.5


@contextmanager
def working_in(folder: Path, doing: str) -> Iterator[Lock | None]:
    """Hold a run folder, made where it is missing, unless the process that started this one holds it.

    Args:
        doing: the command, for whoever is refused.

    Raises:
        ConfigError: where another process works in it; it says which.
        OSError: where the folder cannot be written.
    """
    if _held_for(folder):
        yield None
        return
    folder.mkdir(parents=True, exist_ok=True)
    lock = Lock(folder / LOCK, remove=True, doing=doing)
    try:
        lock.acquire(timeout=WAITED_SECONDS)
    except TimeoutError:
        raise ConfigError([_problem(folder)]) from None
    try:
        yield lock
    finally:
        lock.release()


def check_not_in_use(folder: Path) -> None:
    """Raises:
    ConfigError: where another process works in the run folder; it says which.
    """
    # Of several processes the first holds the folder for all of them.
    if not _held_for(folder) and os.environ.get("RANK", "0") == "0" and Lock(folder / LOCK).is_taken():
        raise ConfigError([_problem(folder)])


def _held_for(folder: Path) -> bool:
    """Whether the process that started this one holds the folder for it."""
    return os.environ.get(HELD_ABOVE) == str(folder.resolve())


def _problem(folder: Path) -> Problem:
    said = holder(folder / LOCK)
    who = f"process {said.get('process', 'unknown')}"
    if said.get("machine") != platform.node():
        who += f" on {said.get('machine') or 'a machine that is not known'}"
    doing = f"pluglm {said['doing']}, " if said.get("doing") else ""
    since = f", since {said['since']}" if said.get("since") else ""
    hint = "wait until it has ended, or stop it"
    return Problem(str(folder), f"another process works in this run folder ({doing}{who}{since})", hint=hint)
