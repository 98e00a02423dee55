"""Splitting a verb's words into flags and other words, and its help."""

from __future__ import annotations

import difflib
import sys
from collections.abc import Mapping, Sequence
from pathlib import Path

from pluglm.errors import ConfigError, Problem
from pluglm.verbs import Arguments, Flag

TYPE_CHECKING = False  # as in pluglm/__init__.py
if TYPE_CHECKING:
    from pluglm.config.run_config import RunConfig

QUIET = {"--quiet": Flag("print nothing but errors and the result")}
JSON = {"--json": Flag("print JSON")}
CONFIG_DIR = {"--config-dir": Flag("a folder with your own experiment/*.yaml", "DIR")}


def config_dir(given: Arguments) -> Path | None:
    """The folder of recipes that was given, or None.

    Raises:
        ConfigError: where there is none, or it has no recipe that could be chosen.
    """
    if "config-dir" not in given.flags:
        return None
    from pluglm.families import FAMILIES
    from pluglm.recipes import GROUPS, recipes_in

    folder = Path(given.flags["config-dir"])
    if not folder.is_dir():
        raise ConfigError([Problem("--config-dir", "is not a folder" if folder.exists() else "does not exist", folder)])
    unread = [folder / name for name in ("config.yaml", "settings", *FAMILIES) if (folder / name).exists()]
    if unread:
        known = ", ".join(f"{group}/" for group in GROUPS)
        raise ConfigError([Problem("--config-dir", f"only {known} are read of a folder", path) for path in unread])
    if not any(recipes_in(folder, "")):
        hint = f"put NAME.yaml into {folder}/{GROUPS[0]}/, and write {GROUPS[0]}=NAME"
        if folder.name in GROUPS and any(folder.glob("*.yaml")):
            hint = f"write --config-dir {folder.parent}"
        raise ConfigError([Problem("--config-dir", f"has no recipes in {' or '.join(GROUPS)}", folder, hint)])
    return folder


def tell_notes(config: RunConfig) -> None:
    """What was decided while the config was composed, to stderr: stdout is the verb's result."""
    for note in config.notes:
        print(f"note: {note}", file=sys.stderr)


def parse(arguments: Sequence[str], flags: Mapping[str, Flag]) -> Arguments:
    """Raises:
    ConfigError: for an unknown flag, one that is given twice, one without its value, or a value that is not taken.
    """
    given = Arguments()
    rest = iter(arguments)
    for word in rest:
        if not word.startswith("-") or word == "-":
            given.words.append(word)
            continue
        name, equals, value = word.partition("=")
        if name not in flags:
            raise ConfigError([Problem(name, "no such flag", hint=_instead(name, value, flags))])
        if flags[name].takes and not equals:
            value = next(rest, "")
        if flags[name].takes and (not value or value in flags):
            raise ConfigError([Problem(name, f"takes a {flags[name].takes}")])
        if equals and not flags[name].takes:
            raise ConfigError([Problem(name, "takes no value", value)])
        if name.lstrip("-") in given.flags:
            raise ConfigError([Problem(name, "is given twice")])
        given.flags[name.lstrip("-")] = value
    return given


def _instead(name: str, value: str, flags: Mapping[str, Flag]) -> str:
    close = difflib.get_close_matches(name, flags, n=1)
    if close:
        return f"did you mean {close[0]}?"
    from pluglm.config.key_search import OTHER_NAMES, roots

    key = name.lstrip("-")
    root = key.partition(".")[0].replace("-", "_")
    if root in roots() or root in OTHER_NAMES:
        return f"what a run is made of is written without dashes: {key}={value or 'VALUE'}"
    return "see --help"


def wants_help(arguments: Sequence[str]) -> bool:
    """Whether the words ask for help."""
    return any(word in ("-h", "--help") for word in arguments)


def usage(line: str, about: str, flags: Mapping[str, Flag]) -> str:
    """A verb's help."""
    width = max((len(name) + len(flag.takes) for name, flag in flags.items()), default=0) + 1
    rows = [f"  {f'{name} {flag.takes}'.strip().ljust(width)}  {flag.help}" for name, flag in flags.items()]
    return "\n".join([f"usage: pluglm {line}", "", about, *(["", *rows] if rows else []), ""])
