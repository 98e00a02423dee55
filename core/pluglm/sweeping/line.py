"""The words of a sweep, as Hydra reads them: what is fixed, what takes several values, who samples and who launches."""

from __future__ import annotations

import itertools
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from importlib.util import find_spec
from pathlib import Path
from typing import Any

from pluglm.catalog import Catalog, installed_catalog
from pluglm.config.groups import store_techniques
from pluglm.config.hydra_keys import hydra_problem
from pluglm.config.overrides import check_overrides
from pluglm.config.recipe_files import recipe_files
from pluglm.config.recipe_search import recipes as known_recipes
from pluglm.config.recipe_search import search_path
from pluglm.config.words import read_words
from pluglm.errors import ConfigError, Problem
from pluglm.families import FAMILIES
from pluglm.recipes import GROUPS
from pluglm.suggestions import nearest

BASIC = "basic"
PLUGINS = {
    "hydra/launcher": {
        "joblib": ("hydra_plugins.hydra_joblib_launcher", "joblib"),
        "submitit_local": ("hydra_plugins.hydra_submitit_launcher", "submitit"),
        "submitit_slurm": ("hydra_plugins.hydra_submitit_launcher", "submitit"),
        "ray": ("hydra_plugins.hydra_ray_launcher", "ray"),
    },
    "hydra/sweeper": {"optuna": ("hydra_plugins.hydra_optuna_sweeper", "optuna")},
}
"""Of each choice that is a plugin of Hydra's: its module, and the extra of this package that brings it."""


@dataclass(frozen=True, slots=True)
class Line:
    """`hydra`: Hydra's config of the sweep (launcher, sweeper). `to_hydra`: what the line says to Hydra itself, with
    its recipes, which may do so too. `fixed`: the words that all members share. `swept`: of each key that takes several
    values, the words for them. `intervals`: of each key whose values are drawn from an interval, the word as it was
    given. `sweeping`: all words that name several values. `typed`: all words as they were given. `notes`: what a
    recipe sweeps over that the line has no use for."""

    hydra: Any
    to_hydra: tuple[str, ...]
    fixed: tuple[str, ...]
    swept: Mapping[str, tuple[str, ...]]
    intervals: Mapping[str, str]
    sweeping: tuple[str, ...]
    typed: tuple[str, ...]
    config_dir: Path | None
    notes: tuple[str, ...] = ()

    def combinations(self) -> Iterator[list[str]]:
        """The words of each combination of the swept values, in the order in which Hydra's own sweeper has them."""
        for values in itertools.product(*self.swept.values()):
            yield [*self.fixed, *values]

    @property
    def is_sampled(self) -> bool:
        """Whether a sampler proposes the members one after the other, so that they are not known beforehand."""
        return not str(self.hydra.sweeper.get("_target_", "")).endswith(".BasicSweeper")


def read_line(words: Sequence[str], config_dir: Path | None = None) -> Line:
    """What `words` sweep over, with what the recipes among them bring (`hydra.sweeper.params`).

    Raises:
        ConfigError: for words that are not of Hydra's grammar, unknown recipes, and plugins that are not installed.
    """
    from hydra.core.override_parser.overrides_parser import OverridesParser
    from hydra.errors import HydraException
    from omegaconf.errors import OmegaConfBaseException

    catalog = installed_catalog()
    store_techniques(catalog)
    parsed, problems = read_words(words, catalog)
    to_hydra = [o for o in parsed if o.is_hydra_override()]
    recipes = [str(o.input_line) for o in parsed if str(o.key_or_group) in GROUPS and not o.is_sweep_override()]
    problems += [problem for o in to_hydra for problem in _hydra_problems(o)]
    checked = check_overrides(recipes, catalog, config_dir)
    known = {group: known_recipes(group, config_dir, catalog) for group in GROUPS}
    problems += checked.problems
    problems += [problem for file in recipe_files(checked.recipes, known, catalog) for problem in file.problems]
    if problems:
        raise ConfigError(problems)
    typed, words = tuple(words), [str(o.input_line) for o in parsed]
    asked = [*(str(o.input_line) for o in to_hydra), *recipes, *search_path(config_dir)]
    with hydra_at_work() as hydra:
        from hydra.types import RunMode

        try:
            config = hydra.compose_config("config", asked, run_mode=RunMode.MULTIRUN, with_log_configuration=False)
        except (HydraException, OmegaConfBaseException, ValueError) as error:
            raise ConfigError(list(_unknown_to_hydra(hydra, error, asked))) from None
        params = [f"{key}={value}" for key, value in (config.hydra.sweeper.get("params") or {}).items()]
        if wrong := read_words(params, catalog)[1]:
            raise ConfigError(wrong)
        # What the line says of a key takes the place of what a recipe says of it.
        by_key: dict[str, Any] = {}
        loader = hydra.config_loader
        for override in OverridesParser.create(config_loader=loader).parse_overrides(params):
            by_key[str(override.key_or_group)] = override
        for override in OverridesParser.create(config_loader=loader).parse_overrides(list(words)):
            if not override.is_hydra_override():
                by_key[override.get_key_element().lstrip("+")] = override
        notes = list(_fallen(by_key, params, catalog))
        swept = {key: o for key, o in by_key.items() if o.is_sweep_override()}
        values = {key: tuple(_values(o)) for key, o in swept.items() if o.is_discrete_sweep()}
        sweeping = [_without_glob(o) for o in swept.values()]
    line = Line(
        hydra=config.hydra,
        to_hydra=tuple(asked),
        fixed=tuple(str(o.input_line) for key, o in by_key.items() if key not in swept),
        swept=values,
        intervals={key: str(o.input_line) for key, o in swept.items() if key not in values},
        sweeping=tuple(sweeping),
        typed=typed,
        config_dir=config_dir,
        notes=tuple(notes),
    )
    _check_sweeping(line)
    return line


def _fallen(by_key: dict[str, Any], params: Sequence[str], catalog: Catalog) -> Iterator[str]:
    """Take out what a recipe sweeps over of a technique that the line chooses another for."""
    for key in [word.partition("=")[0] for word in params]:
        family, _, name = key.partition(".")
        choice = by_key.get(family)
        if not name or choice is None or choice.is_sweep_override() or choice.is_delete():
            continue
        chosen = choice.value() if isinstance(choice.value(), list) else [choice.value()]
        if FAMILIES[family].many:
            gone = name.partition(".")[0] not in map(str, chosen)
        else:
            technique = catalog.find(family, str(chosen[0]))
            gone = technique is not None and name.partition(".")[0] not in technique.model_fields
        if gone and not by_key[key].input_line.startswith("~"):
            del by_key[key]
            yield f"nothing is swept over {key}, which {family}={','.join(map(str, chosen))} does not have"


@contextmanager
def hydra_at_work() -> Iterator[Any]:
    """Hydra, over the built-in config folder, and nothing left of it afterwards."""
    from hydra import initialize_config_module
    from hydra.core.global_hydra import GlobalHydra

    outer, GlobalHydra.instance().hydra = GlobalHydra.instance().hydra, None
    try:
        with initialize_config_module("pluglm.conf", version_base="1.3"):
            yield GlobalHydra.instance().hydra
    finally:
        GlobalHydra.instance().hydra = outer


def _check_sweeping(line: Line) -> None:
    problems = []
    for key in (*line.swept, *line.intervals):
        if key.partition(".")[0] in ("sweep", "output"):
            problems.append(Problem(key, "is about the whole sweep and cannot be swept"))
    for word in line.intervals.values() if not line.is_sampled else ():
        problems.append(Problem(word, "is an interval, which needs a sampler", hint="add hydra/sweeper=optuna"))
    if problems:
        raise ConfigError(problems)


def _values(override: Any) -> list[str]:
    return [f"{override.get_key_element()}={value}" for value in override.sweep_string_iterator()]


def _without_glob(override: Any) -> str:
    from hydra.core.override_parser.types import Glob

    if not isinstance(override.value(), Glob):
        return str(override.input_line)
    # Samplers know no globs.
    return f"{override.get_key_element()}={','.join(override.sweep_string_iterator())}"


def _unknown_to_hydra(hydra: Any, error: Exception, asked: Sequence[str]) -> Iterator[Problem]:
    """What Hydra's own config has no place for: each key of the line that is not in it."""
    from hydra.errors import HydraException
    from hydra.types import RunMode
    from omegaconf.errors import OmegaConfBaseException

    said = " ".join(str(error.__cause__ or error).split("\n    full_key")[0].split()).split(" Config search path")[0]
    values = [word for word in asked if word.lstrip("+~").startswith("hydra.") and "searchpath" not in word]
    try:
        rest = [word for word in asked if word not in values]
        config = hydra.compose_config("config", rest, run_mode=RunMode.MULTIRUN, with_log_configuration=False)
    except (HydraException, OmegaConfBaseException, ValueError):
        values, config = [], None
    found = False
    for word in values:
        key, _, value = word.lstrip("+~").partition("=")
        node, known = config, ""
        for part in key.split("."):
            if not hasattr(node, "keys") or (part not in node and not word.startswith("+")):
                fields = [str(name) for name in node] if hasattr(node, "keys") else []
                yield Problem(key, f"{known.rstrip('.')} has no such key" + nearest(part, fields), value)
                found = True
                break
            node, known = node.get(part), f"{known}{part}."
    if not found:
        wrong = [word.partition("=")[0].lstrip("+~") for word in values]
        yield Problem(wrong[0] if len(wrong) == 1 else "hydra", said)


def _hydra_problems(override: Any) -> Iterator[Problem]:
    key = str(override.key_or_group)
    if override.is_sweep_override():
        yield Problem(key, "says how the sweep is run and cannot be swept itself", override.input_line)
    elif problem := hydra_problem(key, override.value(), in_sweep=True):
        yield problem
    elif key in PLUGINS:
        name = str(override.value())
        if name in PLUGINS[key]:
            module, extra = PLUGINS[key][name]
            if not _installed(module):
                package = module.partition(".")[2].replace("_", "-")
                hint = f"pip install 'pluglm[{extra}]'"
                yield Problem(key, f"needs {package}, which is not installed", name, hint)
        elif name != BASIC and name not in _known(key):
            yield Problem(key, f"no such {key.partition('/')[2]}" + nearest(name, _known(key)), name)


def _known(group: str) -> list[str]:
    """What Hydra can take, and what it could if its plugin was installed."""
    from hydra.core.config_store import ConfigStore
    from hydra.core.plugins import Plugins

    Plugins.instance()
    found = [name.removesuffix(".yaml") for name in ConfigStore.instance().list(group) if name.endswith(".yaml")]
    return sorted({*found, *PLUGINS[group]})


def _installed(module: str) -> bool:
    try:
        return find_spec(module) is not None
    except ModuleNotFoundError:
        return False
