"""Everything pluglm raises on purpose, with the exit code each kind ends the command with."""

from __future__ import annotations

import errno
import os
import re
from collections.abc import Iterable
from dataclasses import dataclass
from typing import ClassVar


class PluglmDeprecationWarning(DeprecationWarning):
    """Something of pluglm's interface that works, and will not after the next major version."""


class PluglmError(Exception):
    """A failure whose message is written for the user: printed as it is, without a traceback."""

    exit_code: ClassVar[int] = 1


@dataclass(frozen=True, slots=True)
class Problem:
    """One mistake in a config: where (`optimizer.lr`), what was given, why it is wrong, what to write instead.

    `where`: the file and line of a recipe that it is written in. `instead`: a value that fits; it is taken where
    nobody has set the key, and the run's notes say so.
    """

    path: str
    reason: str
    value: object = None
    hint: str = ""
    where: str = ""
    instead: object = None

    def __str__(self) -> str:
        place = f"{self.where}: " if self.where else ""
        shown = "" if self.value is None else f"={_short(self.value)}"
        return f"{place}{self.path}{shown}: {self.reason}" + (f"; {self.hint}" if self.hint else "")


class ConfigError(PluglmError):
    """A config that cannot run; holds every problem found, one line each."""

    exit_code = 2

    def __init__(self, problems: Iterable[Problem]) -> None:
        self.problems = list(problems)
        super().__init__("\n".join(str(problem) for problem in self.problems))


class DataError(PluglmError):
    """Input that cannot be read, where the run was told to stop, or too much of it."""

    exit_code = 3


class Diverged(PluglmError):
    """Training whose loss or gradient is no longer a number, or exploded, in the step after `step` whole ones."""

    def __init__(self, reason: str, step: int) -> None:
        super().__init__(reason)
        self.step = step


class Interrupted(PluglmError):
    """The run was asked to stop, has saved its state and can be resumed (75 is sysexits' EX_TEMPFAIL)."""

    exit_code = 75


class Terminated(BaseException):
    """A signal that asks the process to end, where nothing is under way that stops for it by itself. What is half
    written is removed."""

    def __init__(self, signal_name: str) -> None:
        super().__init__(signal_name)
        self.signal_name = signal_name


class Refused(PluglmError):
    """A file or folder that the system does not let this user read or write."""

    exit_code = 2


FULL = (errno.ENOSPC, errno.EDQUOT, errno.EFBIG)
"""What the system says where there is no room: on the disk, in the user's share of it, for so large a file."""
FORBIDDEN = (errno.EACCES, errno.EPERM, errno.EROFS)
MISPLACED = (errno.ENOTDIR, errno.EISDIR, errno.ELOOP, errno.ENAMETOOLONG)
TOLD_BY_TEXT = (*FULL, *FORBIDDEN, errno.EIO, errno.ESTALE, errno.EMFILE, errno.ENFILE)
SQLITE = {"SQLITE_FULL": errno.ENOSPC, "SQLITE_READONLY": errno.EROFS, "SQLITE_CANTOPEN": errno.EACCES}
TEMPORARY = re.compile(r"(\.\d+)?\.tmp$")
NUMBER = re.compile(r"(?:os error|errno:?) (\d+)", re.IGNORECASE)


def system_error(error: BaseException) -> OSError | None:
    """The system's own error behind `error`, or None where there is none.

    Libraries that are not written in Python have error classes of their own for it: `SafetensorError`, plain
    `Exception` (tokenizers), `ArrowInvalid`, `RuntimeError` (torch), `sqlite3.OperationalError`. The number of the
    system's error stands in their message, or its text does.
    """
    seen: BaseException | None = error
    while seen is not None:
        if isinstance(seen, OSError):
            return seen
        if isinstance(seen, Exception) and not isinstance(seen, PluglmError) and (number := _number_of(seen)):
            return OSError(number, os.strerror(number))
        seen = seen.__cause__
    return None


def _number_of(error: Exception) -> int | None:
    for name, number in SQLITE.items():
        if str(getattr(error, "sqlite_errorname", "")).startswith(name):
            return number
    text = str(error)
    if (found := NUMBER.search(text)) and int(found[1]) in errno.errorcode:
        return int(found[1])
    return next((number for number in TOLD_BY_TEXT if os.strerror(number).lower() in text.lower()), None)


def explained(
    error: OSError, place: object, then: str, safe: str = "what was written before is untouched"
) -> PluglmError:
    """What the system refused, in one line.

    Args:
        place: what was being read or written, where the system does not say it.
        then: the command that goes on.
        safe: what is not lost.
    """
    where, reason = TEMPORARY.sub("", str(error.filename or place)), " ".join(str(error.strerror or error).split())
    if error.errno in FULL:
        return PluglmError(
            f"the disk is full: {where} could not be written ({reason}); {safe}: make room and go on with: {then}"
        )
    if error.errno in FORBIDDEN:
        hint = "allow it, or name another folder (output.folder; data.cache_dir or PLUGLM_CACHE for the cache)"
        return Refused(f"{where} cannot be opened or written ({reason}); {safe}: {hint}, and go on with: {then}")
    kind = Refused if error.errno in MISPLACED else PluglmError
    told = f"{where}: {reason}" if error.errno else reason
    return kind(f"{told}; {safe}: go on with: {then}")


def _short(value: object) -> str:
    text = str(value).replace("\r", "\\r").replace("\n", "\\n")
    return text if len(text) <= 80 else text[:77] + "..."
