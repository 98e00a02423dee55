"""What a recipe chooses and sets, with the line of each, and what is wrong with the file itself."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from pluglm.catalog import Catalog
from pluglm.config.choices import choice_problems
from pluglm.config.hydra_keys import recipe_hydra_problem
from pluglm.config.key_search import roots, where_else
from pluglm.errors import Problem
from pluglm.families import FAMILIES
from pluglm.recipes import GROUPS, Recipe
from pluglm.suggestions import nearest

GLOBAL = "# @package _global_"


@dataclass(slots=True)
class RecipeFile:
    """`lines`: the line of every dotted key, of groups of keys too. `texts`: the values of those that are no groups, as
    they are written. `choices`: what the defaults list chooses for a family, and the line. `bases`: recipes that it is
    built on, with the line. `is_read`: whether Hydra can compose it."""

    recipe: Recipe
    lines: dict[str, int] = field(default_factory=dict)
    texts: dict[str, str] = field(default_factory=dict)
    choices: dict[str, tuple[Any, int]] = field(default_factory=dict)
    bases: list[tuple[str, str, int]] = field(default_factory=list)
    problems: list[Problem] = field(default_factory=list)
    is_read: bool = True

    def fails(self, line: int, path: str, reason: str, value: object = None, hint: str = "") -> None:
        """Note a problem that keeps Hydra from reading the recipe."""
        self.problems.append(Problem(path, reason, value, hint, f"{self.recipe.path}:{line}"))
        self.is_read = False


def read_recipe(recipe: Recipe, catalog: Catalog) -> RecipeFile:
    """The recipe, or what is wrong with it."""
    import yaml

    found = RecipeFile(recipe)
    try:
        data = recipe.path.read_bytes()
    except OSError as error:
        found.fails(1, recipe.group, f"cannot be read: {error.strerror}", recipe.name)
        return found
    try:
        text = data.decode()
    except UnicodeDecodeError as error:
        line = data[: error.start].count(b"\n") + 1
        reason = f"byte 0x{data[error.start]:02x} is not UTF-8"
        found.fails(line, recipe.group, reason, recipe.name, "save the file as UTF-8")
        return found
    try:
        root = yaml.compose(text, Loader=getattr(yaml, "CSafeLoader", yaml.SafeLoader))
    except yaml.YAMLError as error:
        mark = getattr(error, "problem_mark", None)
        line = mark.line + 1 if mark else 1
        found.fails(line, recipe.group, f"is not valid YAML: {getattr(error, 'problem', None) or error}", recipe.name)
        return found
    package = _package(found, text)
    if not isinstance(root, yaml.MappingNode):
        reason = "sets nothing" if root is None else "must be keys with values, not a list or a single value"
        found.fails(1, recipe.group, reason, recipe.name)
        return found
    _enter(found, root, package)
    for key, value in root.value:
        if key.value == "defaults":
            _read_defaults(found, value, catalog)
    _check_roots(found, catalog)
    return found


def _package(found: RecipeFile, text: str) -> str:
    """What its keys stand below, with a dot at the end. As Hydra, which looks no further than the first comment that
    is none of its own."""
    group, given = found.recipe.group, None
    for line in filter(None, map(str.strip, text.splitlines())):
        words = line.lstrip("#").split()
        if not re.match(r"#\s*@", line):
            break
        if words[0] == "@package":
            given = words[1] if len(words) > 1 else ""
    if group == "hardware":
        if given not in (None, "hardware", "_group_"):
            found.fails(1, group, "is about hardware alone", found.recipe.name, f"take the line # @package {given} out")
        return "hardware."
    if given is None or given in ("_group_", group):
        reason = f"its first line is not {GLOBAL}, so that nothing of it would be used"
        found.fails(1, group, reason, found.recipe.name, f"put {GLOBAL} above all else")
    elif given != "_global_" and given.partition(".")[0] not in roots():
        found.fails(1, group, f"@package {given} is no part of a config", found.recipe.name, f"write {GLOBAL}")
    return "" if given in (None, "_global_") else f"{given}."


def _enter(found: RecipeFile, node: Any, prefix: str) -> None:
    import yaml

    seen: set[str] = set()
    for key, value in node.value:
        name, line = str(key.value), key.start_mark.line + 1
        path = prefix + name
        if name in seen:
            found.fails(line, path, "is there twice")
        seen.add(name)
        if path == "defaults":
            continue
        if "." in name and not path.startswith("hydra."):
            nested = ": {".join(name.split(".")) + ": ..." + "}" * name.count(".")
            found.fails(line, path, "has dots", hint=f"a recipe has keys within keys: {nested}")
            continue
        found.lines[path] = line
        if isinstance(value, yaml.MappingNode) and value.value:
            _enter(found, value, path + ".")
        else:
            found.texts[path] = _text(value)


def _text(node: Any) -> str:
    import yaml

    if isinstance(node, yaml.SequenceNode):
        return "[" + ",".join(map(_text, node.value)) + "]"
    return str(node.value) if isinstance(node, yaml.ScalarNode) else "{}"


def _read_defaults(found: RecipeFile, node: Any, catalog: Catalog) -> None:
    import yaml

    if not isinstance(node, yaml.SequenceNode):
        found.fails(node.start_mark.line + 1, "defaults", "must be a list, such as - override /optimizer: NAME")
        return
    for entry in node.value:
        line = entry.start_mark.line + 1
        if isinstance(entry, yaml.ScalarNode):
            _read_base(found, str(entry.value), line)
        elif isinstance(entry, yaml.MappingNode) and len(entry.value) == 1:
            (key, value), *_ = entry.value
            _read_choice(found, str(key.value), _plain(value), line, catalog)
        else:
            found.fails(line, "defaults", "must be entries of one choice each, such as - override /optimizer: NAME")


def _plain(node: Any) -> Any:
    import yaml

    if isinstance(node, yaml.SequenceNode):
        return [_plain(item) for item in node.value]
    if isinstance(node, yaml.ScalarNode):
        return None if node.tag.endswith(":null") else str(node.value)
    return {}


def _read_base(found: RecipeFile, entry: str, line: int) -> None:
    if entry == "_self_":
        return
    group, _, name = entry.lstrip("/").rpartition("/")
    group = group or found.recipe.group
    if group in FAMILIES:
        found.fails(line, "defaults", f"{entry} is a technique", None, f"write - override /{group}: {name}")
    elif group not in GROUPS:
        known = ", ".join(GROUPS)
        found.fails(line, "defaults", f"{entry} is no recipe; those of {known} can be built on")
    else:
        found.bases.append((group, name, line))


def _read_choice(found: RecipeFile, key: str, value: Any, line: int, catalog: Catalog) -> None:
    *flags, group = key.split()
    name = group.lstrip("/").partition("@")[0]
    known = [*FAMILIES, *GROUPS]
    if name not in known:
        found.fails(line, f"defaults: {key}", "no such family" + nearest(name, known), _shown(value))
        return
    if name == found.recipe.group:
        found.fails(line, f"defaults: {key}", "a recipe cannot choose another in its place", value, f"write - {value}")
        return
    if flags != ["override"] or group != f"/{name}":
        found.fails(line, f"defaults: {key}", "is chosen already", hint=f"write - override /{name}: {_shown(value)}")
        return
    if name in GROUPS:
        if value is not None:
            found.bases.append((name, str(value), line))
        return
    before = len(found.problems)
    if "${" not in str(value):
        for problem in choice_problems(name, value, catalog):
            found.fails(line, problem.path, problem.reason, problem.value, problem.hint)
    if len(found.problems) == before:
        found.choices[name] = (value, line)


def _shown(value: Any) -> str:
    return "[" + ",".join(map(str, value)) + "]" if isinstance(value, list) else str(value)


def _check_roots(found: RecipeFile, catalog: Catalog) -> None:
    for path, line in found.lines.items():
        root = path.partition(".")[0]
        where = f"{found.recipe.path}:{line}"
        if root == "hydra":
            if problem := recipe_hydra_problem(path, path in found.texts):
                found.problems.append(Problem(path, problem, found.texts.get(path), where=where))
        elif path in ("experiment", "sweep") and path in found.texts:
            hint = f"write it into the defaults list: - /{path}/{found.texts[path]}"
            found.fails(line, path, "is not chosen here", found.texts[path], hint)
        elif root in FAMILIES and path == root and found.texts.get(path, "{}") not in ("", "{}"):
            hint = f"write it into the defaults list: - override /{root}: {found.texts[path]}"
            found.fails(line, path, "is not chosen here", found.texts[path], hint)
        elif path == root and root not in roots():
            found.fails(line, path, "no such key" + where_else(path, catalog), found.texts.get(path))


def recipe_files(
    chosen: Mapping[str, str], known: Mapping[str, Mapping[str, Recipe]], catalog: Catalog
) -> list[RecipeFile]:
    """The chosen recipes (name by group) and all that they are built on, in the order in which later ones win.

    A recipe that is built on itself is told as its problem.
    """
    files: list[RecipeFile] = []
    for group in (group for group in ("hardware", "experiment", "sweep") if group in chosen):
        if (recipe := known[group].get(chosen[group])) is not None:
            files += _with_bases(recipe, known, catalog, ())
    return files


def _with_bases(
    recipe: Recipe, known: Mapping[str, Mapping[str, Recipe]], catalog: Catalog, above: Sequence[str]
) -> Iterator[RecipeFile]:
    own = read_recipe(recipe, catalog)
    circle = [*above, f"{recipe.group}/{recipe.name}"]
    for group, name, line in own.bases:
        base = known[group].get(name)
        if base is None:
            own.fails(line, "defaults", f"no such {group}" + nearest(name, known[group]), name)
        elif f"{group}/{name}" in circle:
            way = " → ".join([*circle, f"{group}/{name}"])
            own.fails(line, "defaults", f"a recipe cannot be built on itself: {way}")
        else:
            yield from _with_bases(base, known, catalog, circle)
    yield own
