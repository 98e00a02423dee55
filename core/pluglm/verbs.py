"""Verbs of the command line: what a plugin says of one, and what one is given."""

from __future__ import annotations

import math
import re
from dataclasses import dataclass, field
from typing import Literal

from pluglm.errors import ConfigError, PluglmError, Problem

RESERVED = ("help", "complete")


@dataclass(frozen=True, slots=True)
class Verb:
    """A verb of the command line, `pluglm NAME`. Its module is imported when the verb is used. The module defines
    `run(given: Arguments) -> int`, which returns the exit code and whose docstring is the verb's help; where the verb
    has flags, `FLAGS: dict[str, Flag]` by name with dashes; where it takes words of its own, if they can be completed,
    `candidates() -> Iterable[str]`; where the help goes on after the flags, `epilog() -> str`.

    Attributes:
        name: as it is typed: lower-case letters, digits and dashes.
        help: one line for `pluglm --help`.
        module: the module that implements it, by its dotted name.
        usage: what `pluglm NAME --help` shows after the name, such as `RUN [--flags]`.
        takes: what its words are besides flags: "overrides" (`key=value`), "runs" (run folders), "own" (others). A
            verb that takes none refuses them.
    """

    name: str
    help: str
    module: str
    usage: str = ""
    takes: tuple[Literal["overrides", "runs", "own"], ...] = ()

    def check(self) -> None:
        """Raises:
        PluglmError: where a field cannot be what the class says.
        """
        if not re.fullmatch(r"[a-z][a-z0-9]*(-[a-z0-9]+)*", self.name) or self.name in RESERVED:
            raise PluglmError(f"{self.name!r} cannot be the name of a verb: lower-case letters, digits and dashes")
        for text in (self.help, self.usage):
            if not text.isprintable() or text != text.strip():
                raise PluglmError(f"verb {self.name}: help and usage are one line each, without spaces around it")
        if not self.help:
            raise PluglmError(f"verb {self.name} has no help")
        if not re.fullmatch(r"\w+(\.\w+)*", self.module):
            raise PluglmError(f"verb {self.name}: {self.module!r} is not the dotted name of a module")
        if isinstance(self.takes, str) or not {*self.takes} <= {"overrides", "runs", "own"}:
            raise PluglmError(f"verb {self.name}: takes is a tuple of 'overrides', 'runs' and 'own'")


@dataclass(frozen=True, slots=True)
class Flag:
    """A flag of a verb.

    Attributes:
        help: one line for the verb's help.
        takes: what the help calls its value, such as DIR; empty for a switch.
    """

    help: str
    takes: str = ""


@dataclass(slots=True)
class Arguments:
    """What a verb was given.

    Attributes:
        flags: the flags that were given, by name without dashes, with their values; "" for a switch.
        words: all other words, in order.
    """

    flags: dict[str, str] = field(default_factory=dict)
    words: list[str] = field(default_factory=list)

    def number(self, flag: str, default: float, least: float = -math.inf, whole: bool = False) -> float:
        """The value of a flag as a finite number, or `default` where the flag was not given.

        Raises:
            ConfigError: where it is not a number, below `least`, or not whole although it must be.
        """
        if flag not in self.flags:
            return default
        try:
            value = float(self.flags[flag])
        except ValueError:
            value = math.nan
        if not math.isfinite(value) or value < least or (whole and value != int(value)):
            kind = "a whole number" if whole else "a number"
            bound = "" if least == -math.inf else f" of at least {least:g}"
            raise ConfigError([Problem(f"--{flag}", f"takes {kind}{bound}", self.flags[flag])])
        return value
