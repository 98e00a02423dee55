"""Everything pluglm raises on purpose, with the exit code each kind ends the command with."""

from __future__ import annotations

import errno
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

    `where`: the file and line of a recipe that it is written in. `instead`: a value that fits; it is taken where nobody
    has set the key, and the run's notes say so.
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


def explained(error: OSError, place: object, then: str) -> PluglmError:
    """What the system refused, in a line that says what to do next: `then` is the command."""
    if error.errno in (errno.ENOSPC, errno.EDQUOT):
        where = error.filename or place
        return PluglmError(
            f"the disk is full ({where}); what was written before is untouched: make room and go on with: {then}"
        )
    return PluglmError(f"{error}; what was written before is untouched: go on with: {then}")


def _short(value: object) -> str:
    text = str(value).replace("\r", "\\r").replace("\n", "\\n")
    return text if len(text) <= 80 else text[:77] + "..."
