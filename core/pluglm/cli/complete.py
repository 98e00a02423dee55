"""`pluglm complete LINE`: what could come next on a command line; asked by the scripts of `pluglm completion`."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import Any, Literal, get_args, get_origin

from pluglm.cli.dispatch import find_verb, flags_of, module_of
from pluglm.cli.verb_table import known_verbs
from pluglm.errors import ConfigError


def run(arguments: list[str]) -> int:
    """Print the candidates for the last word of the line, one per line."""
    for candidate in candidates(" ".join(arguments)):
        print(candidate)
    return 0


def candidates(line: str) -> list[str]:
    """What the last word of `line` (empty after a space) can become, sorted."""
    words = line.split()
    current = "" if not words or line[-1:].isspace() else words.pop()
    quote = current[:1] if current[:1] in ("'", '"') else ""
    earlier = [word.strip("'\"") for word in words[1:]]
    found = _verbs() if not earlier else _words(earlier[0], earlier[1:], current[len(quote) :])
    return sorted({quote + word for word in found if word.startswith(current[len(quote) :])})


def _verbs() -> Iterable[str]:
    return [*(name for name, *_ in known_verbs()[0]), "--help", "--version"]


def _words(name: str, earlier: list[str], current: str) -> Iterator[str]:
    try:
        verb = find_verb(name)
    except ConfigError:
        return
    if current.startswith("-"):
        yield "--help"
        yield from flags_of(module_of(verb))
        return
    if "own" in verb.takes:
        yield from getattr(module_of(verb), "candidates", tuple)()
    if "runs" in verb.takes and "=" not in current:
        yield from _folders(current)
    if "overrides" in verb.takes and "=" in current:
        key, _, value = current.partition("=")
        yield from _values(key, value, earlier)
    elif "overrides" in verb.takes:
        yield from _keys(current, earlier)


def _folders(current: str) -> Iterator[str]:
    parent = Path(current).parent if not current.endswith("/") else Path(current)
    if parent.is_dir():
        yield from (f"{path}/" for path in parent.iterdir() if path.is_dir() and not path.name.startswith("."))


def _keys(current: str, earlier: list[str]) -> Iterator[str]:
    from pluglm.config.sections import SCALARS, SETTINGS
    from pluglm.families import FAMILIES
    from pluglm.recipes import GROUPS

    yield from (f"{key}=" for key in (*SCALARS, *GROUPS, *FAMILIES))
    for section, settings in SETTINGS.items():
        yield from (f"{section}.{key}=" for key in settings.model_fields)
    # Only once a family is begun: all parameters of all techniques at once would help nobody.
    if "." in current:
        yield from (f"{path}=" for path in _parameters(current.split(".")[0], earlier))


def _parameters(family: str, earlier: list[str]) -> dict[str, Any]:
    """Config paths of a family's parameters and their types: of the techniques chosen on the line, else of all."""
    from pluglm.catalog import installed_catalog
    from pluglm.families import FAMILIES
    from pluglm.technique import parameters

    if family not in FAMILIES:
        return {}
    catalog = installed_catalog()
    chosen = {
        name
        for word in earlier
        if word.startswith(f"{family}=")
        for name in word.partition("=")[2].strip("[]").split(",")
        if catalog.find(family, name)
    }
    found = {}
    for name in chosen or catalog.names(family):
        technique = catalog.find(family, name)
        prefix = f"{family}.{name}" if FAMILIES[family].many else family
        for key, field in parameters(technique) if technique else ():
            found[f"{prefix}.{key}"] = field.annotation
    return found


def _values(key: str, value: str, earlier: list[str]) -> Iterator[str]:
    from pluglm.catalog import installed_catalog
    from pluglm.config.recipe_search import recipes
    from pluglm.config.sections import SETTINGS
    from pluglm.families import FAMILIES
    from pluglm.recipes import GROUPS

    section, _, setting = key.partition(".")
    if key in FAMILIES:
        names = installed_catalog().names(key)
        if not FAMILIES[key].many:
            yield from (f"{key}={name}" for name in [*names, "auto"])
            return
        listed, comma, _ = value.lstrip("[").rpartition(",")
        before = f"{key}=[{listed}{comma}"
        yield from (f"{before}{name}" for name in names if name not in listed.split(","))
        if not value:
            yield f"{key}=[]"
    elif key in GROUPS:
        yield from (f"{key}={name}" for name in recipes(key))
    elif section in SETTINGS and setting in SETTINGS[section].model_fields:
        yield from (f"{key}={choice}" for choice in _choices(SETTINGS[section].model_fields[setting].annotation))
    else:
        yield from (f"{key}={choice}" for choice in _choices(_parameters(section, earlier).get(key)))


def _choices(annotation: Any) -> Iterator[str]:
    if annotation is bool:
        yield from ("true", "false")
    elif get_origin(annotation) is Literal:
        yield from map(str, get_args(annotation))
    else:
        for part in get_args(annotation):
            yield from _choices(part) if part is not type(None) else ("null",)
