"""Splitting a verb's words into flags, positional words and overrides."""

from __future__ import annotations

import difflib
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

from pluglm.errors import ConfigError, Problem


@dataclass(frozen=True, slots=True)
class Flag:
    """A flag of a verb. `takes` names its value in the help; empty for a switch."""

    help: str
    takes: str = ""


@dataclass(slots=True)
class Words:
    """What was given: flags by name without dashes ("" for a switch), and all other words in order."""

    flags: dict[str, str] = field(default_factory=dict)
    words: list[str] = field(default_factory=list)


QUIET = {"--quiet": Flag("print nothing but errors and the result")}
JSON = {"--json": Flag("print JSON")}
CONFIG_DIR = {"--config-dir": Flag("a folder with your own experiment/*.yaml", "DIR")}


def parse(arguments: Sequence[str], flags: Mapping[str, Flag]) -> Words:
    """Raises:
    ConfigError: for an unknown flag, or one without its value.
    """
    found = Words()
    rest = iter(arguments)
    for word in rest:
        if not word.startswith("-") or word == "-":
            found.words.append(word)
            continue
        name, equals, value = word.partition("=")
        if name not in flags:
            close = difflib.get_close_matches(name, flags, n=1)
            raise ConfigError(
                [Problem(name, "no such flag", hint=f"did you mean {close[0]}?" if close else "see --help")]
            )
        if flags[name].takes and not equals:
            value = next(rest, "")
            if not value:
                raise ConfigError([Problem(name, f"takes a {flags[name].takes}")])
        found.flags[name.lstrip("-")] = value
    return found


def wants_help(arguments: Sequence[str]) -> bool:
    """Whether the words ask for help."""
    return any(word in ("-h", "--help") for word in arguments)


def usage(line: str, about: str, flags: Mapping[str, Flag]) -> str:
    """A verb's help."""
    width = max((len(name) + len(flag.takes) for name, flag in flags.items()), default=0) + 1
    rows = [f"  {f'{name} {flag.takes}'.strip().ljust(width)}  {flag.help}" for name, flag in flags.items()]
    return "\n".join([f"usage: pluglm {line}", "", about, *(["", *rows] if rows else []), ""])
