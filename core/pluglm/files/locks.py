"""Locks between processes, which end with the process that holds them, however it ends."""

from __future__ import annotations

import errno
import fcntl
import json
import os
import platform
import threading
import time
import weakref
from contextlib import suppress
from datetime import datetime
from pathlib import Path
from types import TracebackType
from typing import Any, Self

import psutil

POLL_SECONDS = 0.05
BEAT_SECONDS, DEAD_SECONDS = 20.0, 120.0
"""Without locks of the system's: how often a holder touches its file, and after what time without it is taken for dead
by other machines."""
TAKEN = (errno.EWOULDBLOCK, errno.EACCES)
NO_LOCKS = (errno.ENOLCK, errno.ENOSYS, errno.EOPNOTSUPP, errno.EINVAL)
"""What file systems without locks say, such as NFS whose lock service does not run."""

_held: weakref.WeakSet[Lock] = weakref.WeakSet()


class Lock:
    """A lock file that one process at a time holds. It can be held once; a second `acquire` waits for the first.

    The system's own lock on the file (flock) is gone as soon as the process is, also after SIGKILL. Where the file
    system has none, the file itself is the lock: the number of a process of this machine that is gone, or of another
    machine that has not touched the file for two minutes, does not count.

    Args:
        remove: take the file away on release, for a folder where nothing else should be left.
        doing: what the holder does, for others to read.
    """

    def __init__(self, path: Path, remove: bool = False, doing: str = "") -> None:
        self.path, self.remove, self.doing = path, remove, doing
        self.descriptor: int | None = None
        self._beating: threading.Event | None = None

    def acquire(self, timeout: float | None = None) -> Self:
        """Hold it, as soon as nobody else does.

        Args:
            timeout: seconds to wait; None for as long as it takes.

        Raises:
            TimeoutError: where another still holds it then.
            OSError: where the file cannot be made.
        """
        until = None if timeout is None else time.monotonic() + timeout
        while not self._try():
            if until is not None and time.monotonic() >= until:
                raise TimeoutError(f"{self.path} is held by another process")
            time.sleep(POLL_SECONDS)
        _held.add(self)
        return self

    def release(self) -> None:
        """Hold it no longer."""
        if self.descriptor is None:
            return
        with suppress(OSError):
            if self.remove or self._beating is not None:
                self.path.unlink()
            else:
                os.ftruncate(self.descriptor, 0)
        self.drop()

    def drop(self) -> None:
        """Let go of the file; where this is not the process that locked it, the lock stays."""
        if self._beating is not None:
            self._beating.set()
            self._beating = None
        if self.descriptor is not None:
            os.close(self.descriptor)
            self.descriptor = None
        _held.discard(self)

    def is_taken(self) -> bool:
        """Whether another process holds it now; whoever may only read the file can ask too."""
        try:
            descriptor = os.open(self.path, os.O_RDONLY)
        except OSError:
            return False
        try:
            fcntl.flock(descriptor, fcntl.LOCK_SH | fcntl.LOCK_NB)
        except OSError as error:
            return error.errno in TAKEN or (error.errno in NO_LOCKS and self._is_alive())
        finally:
            os.close(descriptor)
        return False

    def _try(self) -> bool:
        descriptor = os.open(self.path, os.O_RDWR | os.O_CREAT, 0o666)
        try:
            fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
            # Whoever held it may have taken the file away: a lock on that is none.
            if _same_file(descriptor, self.path):
                self._write(descriptor)
                self.descriptor, descriptor = descriptor, -1
                return True
        except OSError as error:
            if error.errno in NO_LOCKS:
                return self._try_without()
            if error.errno not in TAKEN:
                raise
        finally:
            if descriptor >= 0:
                os.close(descriptor)
        return False

    def _try_without(self) -> bool:
        """Hold it by the file's existence."""
        with suppress(OSError):
            # Opening it to lock it has made it; one that is empty is held by nobody.
            if not self._is_alive():
                self.path.unlink()
        try:
            self.descriptor = os.open(self.path, os.O_RDWR | os.O_CREAT | os.O_EXCL, 0o666)
        except FileExistsError:
            return False
        self._write(self.descriptor)
        self._beating = threading.Event()
        threading.Thread(target=_beat, args=(self.path, self._beating), daemon=True).start()
        return True

    def _is_alive(self) -> bool:
        """Whether the holder is there, as its file tells."""
        said = holder(self.path)
        if said.get("machine") == platform.node() and not psutil.pid_exists(int(said.get("process") or 0)):
            return False
        return bool(said) and time.time() - self.path.stat().st_mtime < DEAD_SECONDS

    def _write(self, descriptor: int) -> None:
        since = datetime.now().astimezone().isoformat(timespec="seconds")
        said = {"process": os.getpid(), "machine": platform.node(), "since": since, "doing": self.doing}
        # Where the disk is full, it is a lock all the same.
        with suppress(OSError):
            os.ftruncate(descriptor, 0)
            os.write(descriptor, json.dumps(said).encode())

    def __enter__(self) -> Self:
        return self.acquire() if self.descriptor is None else self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.release()


def holder(path: Path) -> dict[str, Any]:
    """What the process that holds a lock file wrote of itself; empty where nothing can be read."""
    try:
        said = json.loads(path.read_text(encoding="utf-8"))
    except (OSError, ValueError):
        return {}
    return said if isinstance(said, dict) else {}


def _same_file(descriptor: int, path: Path) -> bool:
    try:
        return os.path.samestat(os.fstat(descriptor), path.stat())
    except OSError:
        return False


def _beat(path: Path, released: threading.Event) -> None:
    while not released.wait(BEAT_SECONDS):
        with suppress(OSError):
            os.utime(path)


def _drop_in_child() -> None:
    # A process that was forked holds the file too, and would hold the lock after its parent was killed.
    for lock in list(_held):
        lock.drop()


os.register_at_fork(after_in_child=_drop_in_child)
