"""Words of the command line as Hydra's grammar reads them, and those that it cannot read."""

from __future__ import annotations

import os
import re
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

from pluglm.catalog import Catalog
from pluglm.config.key_search import all_keys, roots, where_else
from pluglm.config.quoting import quoted
from pluglm.config.sections import SCALARS, SETTINGS
from pluglm.errors import Problem
from pluglm.families import FAMILIES
from pluglm.recipes import GROUPS
from pluglm.suggestions import nearest, nearest_name

FORM = "is not of the form key=value"
KEY = re.compile(r"[A-Za-z_][\w-]*([./][\w-]+)*(@\w+)?", re.ASCII)
BEFORE_QUOTES = ("", "[", "{", ",", ":")
CLOSING = {"[": "]", "{": "}", "(": ")"}


class Unreadable(Exception):
    """A value that the grammar does not take, in quotes or not."""


def read_words(words: Sequence[str], catalog: Catalog) -> tuple[list[Any], list[Problem]]:
    """Hydra's overrides for `words`, and what is wrong with the others.

    What the grammar has no letters for (umlauts, `~`, `=`, spaces, brackets within a path) is read as text, as if it
    had been in quotes; `~/` at the beginning is the home folder, as in a shell.
    """
    overrides, problems = [], []
    apart = {place for place, word in enumerate(words) if word == "=" and 0 < place < len(words) - 1}
    for place, word in enumerate(words):
        if place in apart:
            key, value = words[place - 1], words[place + 1]
            problems.append(Problem(f"{key} = {value}", "has spaces around =", hint=f"write {key}={value}"))
        if {place - 1, place, place + 1} & apart:
            continue
        try:
            overrides.append(_override(word, catalog))
        except Unreadable as error:
            problems.append(error.args[0])
    return overrides, problems


def _override(word: str, catalog: Catalog) -> Any:
    from hydra.core.override_parser.overrides_parser import OverridesParser
    from hydra.errors import HydraException

    signs, key, equals, value = _parted(word)
    if not KEY.fullmatch(key):
        raise Unreadable(_bad_key(word, key, equals, value, catalog))
    parser = OverridesParser.create()
    try:
        return parser.parse_override(word)
    except HydraException as error:
        if not equals:
            raise Unreadable(_bad_key(word, key, equals, value, catalog)) from None
        said = str(error).splitlines()[0]
    try:
        return parser.parse_override(f"{signs}{key}={as_text(value)}")
    except HydraException:
        raise Unreadable(Problem(word, f"cannot be read ({said})", hint=_in_quotes(key, value))) from None
    except Unreadable as error:
        hint = _in_quotes(key, value) if "closed" in str(error) else ""
        raise Unreadable(Problem(key, str(error), value, hint)) from None


def _parted(word: str) -> tuple[str, str, str, str]:
    signs = word[: len(word) - len(word.lstrip("+~"))]
    key, equals, value = word[len(signs) :].partition("=")
    return signs, key, equals, value


def as_text(value: str) -> str:
    """`value` with those parts in quotes that the grammar cannot read.

    Raises:
        Unreadable: where a bracket is not closed.
    """
    value = value.strip()
    if _reads(value):
        return value
    if value[:1] in ("[", "{"):
        end = _closed_at(value)
        if end is None:
            raise Unreadable("has a bracket that is not closed")
        if end == len(value) - 1:
            inner = list(_pieces(value[1:-1]))
            if value[0] == "[":
                return "[" + ",".join(map(as_text, inner)) + "]"
            return "{" + ",".join(map(_entry, inner)) + "}"
    pieces = list(_pieces(value))
    if len(pieces) > 1:
        return ",".join(map(as_text, pieces))
    if value == "~" or value.startswith("~/"):
        value = os.path.expanduser(value)
    return quoted(value)


def _entry(piece: str) -> str:
    key, colon, value = piece.partition(":")
    if not colon:
        raise Unreadable("must have key: value between its braces")
    if not re.fullmatch(r"[\w./ -]+", key.strip(), re.ASCII):
        raise Unreadable(f"has the key {key.strip()!r}, whose letters only a recipe can hold")
    return f"{key.strip()}:{as_text(value)}"


def _reads(value: str) -> bool:
    from hydra.core.override_parser.overrides_parser import OverridesParser
    from hydra.errors import HydraException

    try:
        OverridesParser.create().parse_override(f"key={value}")
    except HydraException:
        return False
    return True


def _scan(value: str) -> Iterator[tuple[int, str, int]]:
    """Each character outside of quotes with its place and how many brackets are open before it."""
    depth, quote = 0, ""
    for place, letter in enumerate(value):
        if quote:
            quote = "" if letter == quote and value[place - 1] != "\\" else quote
        elif letter in "'\"" and value[:place].rstrip()[-1:] in BEFORE_QUOTES and letter in value[place + 1 :]:
            quote = letter
        else:
            yield place, letter, depth
            depth += (letter in CLOSING) - (letter in CLOSING.values())


def _closed_at(value: str) -> int | None:
    return next((place for place, letter, depth in _scan(value) if letter in CLOSING.values() and depth == 1), None)


def _pieces(value: str) -> Iterator[str]:
    begin = 0
    for place, letter, depth in _scan(value):
        if letter == "," and depth == 0:
            yield value[begin:place]
            begin = place + 1
    if value[begin:].strip():
        yield value[begin:]


def _in_quotes(key: str, value: str) -> str:
    return f'in quotes it is text: "{key}={quoted(value)}"'


def _bad_key(word: str, key: str, equals: str, value: str, catalog: Catalog) -> Problem:
    if equals and key.strip() and not re.search(r"\s", key.strip()):
        if KEY.fullmatch(key.strip()):
            return Problem(word, "has a space before =", hint=f"write {key.strip()}={value.strip() or 'VALUE'}")
        whole = nearest_name(key, all_keys(catalog), 0.9)
        return Problem(key, "no such key" + (nearest(key, [whole]) if whole else where_else(key, catalog)), value)
    if equals:
        return Problem(word, FORM)
    return Problem(word, FORM, hint=_instead(word, catalog))


def _instead(word: str, catalog: Catalog) -> str:
    """What a word without = may have been meant for."""
    path = Path(word)
    if path.suffix in (".yaml", ".yml"):
        group = path.parent.name if path.parent.name in GROUPS else GROUPS[0]
        folder = str(path.parent.parent) if path.parent.name in GROUPS else "DIR"
        name = f"{path.stem}.yaml"
        place = (
            "" if path.parent.name in GROUPS and path.suffix == ".yaml" else f"put it into {folder}/{group}/{name} and "
        )
        return f"a recipe is chosen by its name: {place}write --config-dir {folder} {group}={path.stem}"
    if (path / "config.yaml").is_file():
        return f"it is a run folder: pluglm resume {word} goes on with it"
    homes = [f"{family}={word}" for family in FAMILIES if catalog.find(family, word)]
    homes += [f"{group}={word}" for group in GROUPS if word in catalog.recipes(group)]
    if homes:
        return f"did you mean {' or '.join(homes)}?"
    name = word.rstrip(":")
    if name in (*FAMILIES, *GROUPS, *SCALARS):
        return f"write {name}=VALUE"
    if name in SETTINGS or name.partition(".")[0] in roots():
        return f"write {name}.KEY=VALUE" if name in SETTINGS else f"write {name}=VALUE"
    known = [*roots(), *(t.name for t in catalog), *(name for group in GROUPS for name in catalog.recipes(group))]
    close = nearest_name(word, known)
    return f"did you mean {close!r}?" if close else ""
