"""From command-line words to a validated config, through Hydra, with every mistake reported at once."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any

from pluglm.catalog import Catalog, installed_catalog, nearest
from pluglm.config.fitted_length import fit_sequence_length
from pluglm.config.recipes import recipe_problem, search_path
from pluglm.config.run_config import RunConfig
from pluglm.config.validate import SCALARS, SETTINGS, unknown_technique, validate
from pluglm.errors import ConfigError, Problem
from pluglm.families import FAMILIES
from pluglm.recipes import GROUPS

MANY = "add -m to run them all: pluglm train -m ..."


def compose(overrides: Sequence[str] = (), config_dir: Path | None = None, catalog: Catalog | None = None) -> RunConfig:
    """The config that `overrides` (Hydra's grammar) make of the defaults.

    Args:
        config_dir: a folder whose groups and experiments are found beside the built-in ones.

    Raises:
        ConfigError: with every problem found, before any compute and without importing torch.
    """
    catalog = catalog or installed_catalog()
    problems, usable = check_overrides(overrides, catalog, config_dir)
    try:
        tree = fit_sequence_length(_compose_tree(usable, config_dir, catalog), usable, catalog)
        config = validate(tree, catalog)
    except ConfigError as error:
        problems += [problem for problem in error.problems if problem.path not in {p.path for p in problems}]
    if problems:
        raise ConfigError(problems)
    return config


def from_resolved(tree: Mapping[str, Any], catalog: Catalog | None = None) -> RunConfig:
    """The config of an earlier run, from its `config.yaml`."""
    return validate(tree, catalog or installed_catalog())


def _compose_tree(overrides: Sequence[str], config_dir: Path | None, catalog: Catalog) -> dict[str, Any]:
    from pluglm.config.groups import AUTO, store_techniques

    store_techniques(catalog)
    tree = _hydra(overrides, config_dir, catalog)
    suggested = {}
    for family, spec in FAMILIES.items():
        if not spec.many and isinstance(tree.get(family), dict) and tree[family].get("name") == AUTO:
            suggested[family] = _suggestion(family, tree, catalog)
    if not suggested:
        return tree
    if config_dir is None:
        # What the user said about the family is there already, on top of nothing; a second composition would cost as
        # much as the first.
        return tree | {
            family: _over_defaults(family, name, tree[family], catalog) for family, name in suggested.items()
        }
    # First, so that what the user said about the family comes on top of it.
    chosen = [f"{family}={name}" for family, name in suggested.items()]
    auto = {f"{family}={AUTO}" for family in suggested}
    return _hydra([*chosen, *(o for o in overrides if o not in auto)], config_dir, catalog)


def _over_defaults(family: str, name: str, given: Mapping[str, Any], catalog: Catalog) -> dict[str, Any]:
    from pluglm.config.groups import defaults

    return _merged(defaults(catalog.find(family, name)), dict(given)) | {"name": name}


def _merged(below: Mapping[str, Any], above: Mapping[str, Any]) -> dict[str, Any]:
    merged = dict(below)
    for key, value in above.items():
        nested = isinstance(value, dict) and isinstance(merged.get(key), dict)
        merged[key] = _merged(merged[key], value) if nested else value
    return merged


def _suggestion(family: str, tree: Mapping[str, Any], catalog: Catalog) -> str:
    for other, spec in FAMILIES.items():
        nodes = tree.get(other) or {}
        for node in nodes.values() if spec.many else [nodes]:
            technique = catalog.find(other, str(node.get("name"))) if isinstance(node, dict) else None
            if technique and family in technique.suggests:
                return technique.suggests[family]
    raise ConfigError(
        [Problem(family, "nothing chosen suggests one", "auto", f"name one{nearest('', catalog.names(family))}")]
    )


def _hydra(overrides: Sequence[str], config_dir: Path | None, catalog: Catalog) -> dict[str, Any]:
    import yaml
    from hydra import compose as hydra_compose
    from hydra import initialize_config_module
    from hydra.core.global_hydra import GlobalHydra
    from hydra.errors import HydraException
    from omegaconf import OmegaConf
    from omegaconf.errors import OmegaConfBaseException

    words = [*overrides, *search_path(config_dir, catalog)]
    # In a sweep, Hydra is at work already and allows itself only once.
    outer, GlobalHydra.instance().hydra = GlobalHydra.instance().hydra, None
    try:
        with initialize_config_module("pluglm.conf", version_base="1.3"):
            config = hydra_compose("config", overrides=words)
        tree = OmegaConf.to_container(config, resolve=True, throw_on_missing=False)
    except yaml.YAMLError as error:
        mark = getattr(error, "problem_mark", None)
        where = f"{mark.name}:{mark.line + 1}" if mark else "config"
        raise ConfigError([Problem(where, f"is not valid YAML: {getattr(error, 'problem', None) or error}")]) from None
    except (HydraException, OmegaConfBaseException, ValueError) as error:
        cause = error.__cause__ or error
        line = " ".join(str(cause).split("\n    full_key")[0].split())
        raise ConfigError([Problem("config", line.split(" Config search path")[0])]) from None
    finally:
        GlobalHydra.instance().hydra = outer
    assert isinstance(tree, dict)
    tree.pop("hydra", None)
    tree.pop("experiment", None)
    return {str(key): value for key, value in tree.items()}


def check_overrides(
    overrides: Sequence[str], catalog: Catalog, config_dir: Path | None
) -> tuple[list[Problem], list[str]]:
    """Mistakes that Hydra would stop at one by one, or swallow (`[x,x]`), and the overrides that are free of them."""
    from hydra.core.override_parser.overrides_parser import OverridesParser
    from hydra.errors import HydraException

    parser = OverridesParser.create()
    problems: list[Problem] = []
    usable: list[str] = []
    for word in overrides:
        try:
            override = parser.parse_override(word)
        except HydraException as error:
            said = str(error).splitlines()[0]
            problems.append(Problem(word, f"is not of the form key=value ({said})"))
            continue
        key = str(override.key_or_group)
        if override.is_sweep_override():
            problems.append(Problem(key, "names several values", word.partition("=")[2], MANY))
            continue
        value = None if override.is_delete() else override.value()
        found = list(_check(key.split("@")[0], value, override.is_delete(), catalog, config_dir))
        if found:
            problems += found
        elif _sets_value(override, key):
            # Added where it is not there yet: validation says more about a key that should not be than Hydra does.
            usable.append("++" + word.lstrip("+"))
        else:
            usable.append(word)
    return problems, usable


def _sets_value(override: Any, key: str) -> bool:
    groups = {*FAMILIES, *GROUPS}
    return not override.is_delete() and key.split("@")[0] not in groups and not key.startswith("hydra")


def _check(key: str, value: Any, delete: bool, catalog: Catalog, config_dir: Path | None) -> Iterator[Problem]:
    root = key.replace("/", ".").split(".")[0]
    known = [*FAMILIES, *SETTINGS, *SCALARS, *GROUPS]
    if root not in known and root != "hydra":
        yield Problem(key, "no such key" + _where_else(key, value, known, catalog), value)
    elif key in FAMILIES and not delete:
        yield from _check_choice(key, value, catalog)
    elif key in SETTINGS and key not in GROUPS:
        fields = ", ".join(f"{key}.{name}" for name in SETTINGS[key].model_fields)
        yield Problem(key, f"is a group of settings; set one of {fields}", value)
    elif key in GROUPS and value is not None:
        if problem := recipe_problem(key, str(value), config_dir, catalog):
            yield problem
    elif key == "hydra.searchpath":
        yield Problem(key, "is set by pluglm", _shown(value), "give a folder of your own as --config-dir DIR")
    elif key.startswith(("seed.", "name.", "experiment.")):
        yield Problem(key, f"{root} is a single value and has no keys", value)


def _check_choice(family: str, value: Any, catalog: Catalog) -> Iterator[Problem]:
    many = FAMILIES[family].many
    names = value if isinstance(value, list) else [value]
    if isinstance(value, list) and not many:
        yield Problem(family, f"takes exactly one, such as {family}={_first(catalog, family)}", _shown(value))
        return
    if isinstance(value, dict) or value is None:
        yield Problem(family, "takes the name of a technique" + nearest("", catalog.names(family)), value)
        return
    seen: set[str] = set()
    for name in map(str, names):
        if catalog.find(family, name) is None and not (name == "auto" and not many):
            yield Problem(family, unknown_technique(catalog, family, name), name)
        elif name in seen:
            hint = f"for a second use give it a label in a YAML file: {family}: {{again: {{name: {name}, ...}}}}"
            yield Problem(family, f"{name} is listed twice", _shown(names), hint)
        seen.add(name)


def _first(catalog: Catalog, family: str) -> str:
    return next(iter(catalog.names(family)), "NAME")


def _shown(names: Sequence[Any]) -> str:
    return "[" + ",".join(map(str, names)) + "]"


def _where_else(key: str, value: Any, known: Sequence[str], catalog: Catalog) -> str:
    last = key.split(".")[-1]
    settings = [f"{name}.{last}" for name, model in SETTINGS.items() if last in model.model_fields]
    owners = sorted({t.family for t in catalog if last in t.model_fields and not FAMILIES[t.family].many})
    paths = settings + [f"{family}.{last}" for family in owners]
    lists = [f"{t.family}.{t.name}.{last}" for t in catalog if last in t.model_fields and FAMILIES[t.family].many]
    technique = [f"{t.family}.{t.name}" for t in catalog if t.name == key.split(".")[0]]
    if "." not in key and (paths or lists):
        return f"; did you mean {' or '.join((paths or lists)[:3])}?"
    if technique:
        rest = ".".join(key.split(".")[1:])
        return f"; did you mean {technique[0]}{'.' + rest if rest else ''}?"
    return nearest(key.split(".")[0], known)


def compose_over(config: RunConfig, overrides: Sequence[str], allowed: Sequence[str]) -> RunConfig:
    """`config` with the sections of `allowed` changed as `overrides` say, and all else as it is.

    Raises:
        ConfigError: for overrides of other sections, and all that `compose` refuses.
    """
    problems = [
        Problem(word, f"cannot be changed here; only {', '.join(allowed)} can")
        for word in overrides
        if word.lstrip("+~").partition("=")[0].split(".")[0] not in allowed
    ]
    if problems:
        raise ConfigError(problems)
    tree = dict(config.resolved)
    # Families that are not named keep the run's choice, so only the named sections are composed anew.
    changed = compose(overrides).resolved if overrides else {}
    for word in overrides:
        section = word.lstrip("+~").partition("=")[0].split(".")[0]
        tree[section] = changed[section]
    return from_resolved(tree)
