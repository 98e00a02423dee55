"""The composed config as plain data: Hydra's, with references followed and `auto` settled."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any

from pydantic_core import to_jsonable_python

from pluglm.catalog import Catalog
from pluglm.config.key_search import all_keys
from pluglm.config.recipe_search import search_path
from pluglm.config.sections import SETTINGS
from pluglm.errors import ConfigError, Problem
from pluglm.families import FAMILIES
from pluglm.suggestions import nearest, nearest_name

AUTO = "auto"


def composed(
    words: Sequence[str], removed: Sequence[str], config_dir: Path | None, catalog: Catalog
) -> tuple[dict[str, Any], list[Problem]]:
    """What `words` make of the defaults, without the keys of `removed`; and what is wrong with references.

    Raises:
        ConfigError: where Hydra cannot compose the words.
    """
    from pluglm.config.groups import store_techniques

    store_techniques(catalog)
    tree, problems = _hydra(words, removed, config_dir, catalog)
    suggested: dict[str, str] = {}
    for family, spec in FAMILIES.items():
        if not spec.many and isinstance(tree.get(family), dict) and tree[family].get("name") == AUTO:
            try:
                suggested[family] = _suggestion(family, tree, catalog)
            except ConfigError as error:
                problems += error.problems
    if suggested and problems:
        # A reference may be to a parameter of what is only now known.
        chosen = [f"{family}={name}" for family, name in suggested.items()]
        auto = {f"{family}={AUTO}" for family in suggested}
        return _hydra([*chosen, *(word for word in words if word not in auto)], removed, config_dir, catalog)
    # What the user said about the family is there already, on top of nothing; a second composition would cost as much
    # as the first.
    for family, name in suggested.items():
        tree[family] = _over_defaults(family, name, tree[family], catalog)
    return tree, problems


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


def _hydra(
    words: Sequence[str], removed: Sequence[str], config_dir: Path | None, catalog: Catalog
) -> tuple[dict[str, Any], list[Problem]]:
    from hydra.errors import HydraException
    from omegaconf import OmegaConf
    from omegaconf.errors import OmegaConfBaseException

    try:
        config = _config(words, config_dir, catalog)
        OmegaConf.set_struct(config, False)
        problems = [problem for key in removed for problem in _remove(config, key, catalog)]
        try:
            tree = OmegaConf.to_container(config, resolve=True, throw_on_missing=False)
        except (OmegaConfBaseException, ValueError, RecursionError):
            problems += _follow(config, OmegaConf.to_container(config, resolve=False), "", catalog)
            tree = OmegaConf.to_container(config, resolve=True, throw_on_missing=False)
    except (HydraException, OmegaConfBaseException, ValueError, RecursionError) as error:
        raise ConfigError(list(_told(error, words, config_dir, catalog))) from None
    assert isinstance(tree, dict)
    tree.pop("hydra", None)
    tree.pop("experiment", None)
    return {str(key): value for key, value in tree.items()}, problems


def _config(words: Sequence[str], config_dir: Path | None, catalog: Catalog) -> Any:
    from hydra import compose as hydra_compose
    from hydra import initialize_config_module
    from hydra.core.global_hydra import GlobalHydra

    # In a sweep, Hydra is at work already and allows itself only once.
    outer, GlobalHydra.instance().hydra = GlobalHydra.instance().hydra, None
    try:
        with initialize_config_module("pluglm.conf", version_base="1.3"):
            return hydra_compose("config", overrides=[*words, *search_path(config_dir, catalog)])
    finally:
        GlobalHydra.instance().hydra = outer


def _told(error: Exception, words: Sequence[str], config_dir: Path | None, catalog: Catalog) -> Iterator[Problem]:
    """What Hydra could not compose, with the key of the word without which it can."""
    from hydra.errors import HydraException
    from omegaconf.errors import OmegaConfBaseException

    line = " ".join(str(error.__cause__ or error).split("\n    full_key")[0].split()).split(" Config search path")[0]
    for word in words:
        try:
            _config([other for other in words if other is not word], config_dir, catalog)
        except (HydraException, OmegaConfBaseException, ValueError, RecursionError):
            continue
        key, _, value = word.lstrip("+~").partition("=")
        yield Problem(key, f"has a reference that cannot be read ({line})" if "${" in value else line, value)
        return
    yield Problem("config", line)


def _remove(config: Any, key: str, catalog: Catalog) -> Iterator[Problem]:
    *path, last = key.split(".")
    node = config
    for part in path:
        node = node.get(part) if hasattr(node, "get") else None
    if not hasattr(node, "pop") or last not in node:
        near = nearest_name(key, all_keys(catalog), 0.85)
        hint = f"; did you mean ~{near}?" if near and near != key else ""
        yield Problem(f"~{key}", f"is not there to be removed{hint}")
        return
    removed = node.pop(last)
    model = SETTINGS.get(key.partition(".")[0]) or catalog.find(
        path[0] if path else "", str(config[path[0]].get("name"))
    )
    field = model.model_fields.get(last) if model and len(path) == 1 else None
    if field is not None and not field.is_required() and to_jsonable_python(field.get_default()) == removed:
        yield Problem(f"~{key}", "is at its default, so that there is nothing to remove", removed)


def _follow(node: Any, raw: Any, path: str, catalog: Catalog) -> Iterator[Problem]:
    """References that lead nowhere. Their keys are taken out, so that the others can still be checked."""
    from omegaconf.errors import OmegaConfBaseException

    keys = list(raw) if isinstance(raw, dict) else range(len(raw))
    for key in keys:
        value = raw[key]
        if isinstance(value, str) and "${" in value:
            try:
                node[key]
            except (OmegaConfBaseException, ValueError, RecursionError) as error:
                yield Problem(f"{path}{key}", _reason(error, catalog), value)
                if isinstance(raw, dict):
                    del node[key]
                else:
                    # The others of the list keep their places.
                    node[key] = "???"
        elif isinstance(value, dict | list):
            yield from _follow(node[key], value, f"{path}{key}.", catalog)


def _reason(error: Exception, catalog: Catalog) -> str:
    from omegaconf.errors import InterpolationKeyError

    line = " ".join(str(error).split("\n    full_key")[0].split())
    if isinstance(error, RecursionError) or "recursive" in line.lower():
        return "refers to itself"
    if isinstance(error, InterpolationKeyError) and line.count("'") >= 2:
        key = line.split("'")[1]
        return f"refers to {key}, which is no key of this config{_near(key, catalog)}"
    line = line.rpartition("raised while resolving interpolation: ")[2].strip('"')
    return f"has a reference that cannot be followed: {line}"


def _near(key: str, catalog: Catalog) -> str:
    near = nearest_name(key, all_keys(catalog), 0.8)
    return f"; did you mean ${{{near}}}?" if near and near != key else ""
