"""The catalog: every technique, recipe and verb that the installed plugins register, by name."""

from __future__ import annotations

import inspect
import os
import warnings
from collections.abc import Iterable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field, replace
from functools import cache
from importlib.metadata import EntryPoint, entry_points
from pathlib import Path
from typing import Any

import pluggy

from pluglm import built_in_verbs, hookspecs
from pluglm.errors import PluglmDeprecationWarning, PluglmError
from pluglm.families import FAMILIES
from pluglm.families.intervention import Intervention
from pluglm.recipes import Recipe, built_in_recipes, recipes_in, registered_folder
from pluglm.suggestions import nearest
from pluglm.technique import Technique
from pluglm.verbs import Verb

GROUP = "pluglm"


@dataclass(frozen=True, slots=True)
class Plugin:
    """An entry point of the group `pluglm`. `error`: why it did not load, or None. `deprecated`: what it uses that will
    not work for ever, and `recipes` the folders of those it brings."""

    name: str
    module: str
    distribution: str
    version: str
    error: str | None = None
    deprecated: tuple[str, ...] = ()
    recipes: tuple[Path, ...] = ()

    def __str__(self) -> str:
        return f"{self.distribution} ({self.name})"


@dataclass(slots=True)
class Catalog:
    """Techniques by (family, name), the plugin that owns each, recipes, verbs, and the plugins that are broken."""

    manager: pluggy.PluginManager
    plugins: dict[str, Plugin] = field(default_factory=dict)
    _techniques: dict[tuple[str, str], type[Technique]] = field(default_factory=dict)
    _owners: dict[tuple[str, str], str] = field(default_factory=dict)
    _disputes: dict[tuple[str, str], tuple[str, str]] = field(default_factory=dict)
    _recipes: dict[tuple[str, str], Recipe] = field(default_factory=dict)
    _verbs: dict[tuple[str, str], Verb] = field(default_factory=dict)

    def __iter__(self) -> Iterator[type[Technique]]:
        return iter(self._techniques.values())

    def names(self, family: str) -> list[str]:
        """The names of a family's techniques, sorted."""
        return sorted(name for owner, name in self._techniques if owner == family)

    def find(self, family: str, name: str) -> type[Technique] | None:
        """The technique, or None."""
        return self._techniques.get((family, name))

    def owner(self, technique: type[Technique]) -> Plugin:
        """The plugin that registered `technique`."""
        return self.plugins[self._owners[technique.family, technique.name]]

    def dispute(self, group: str, name: str) -> str | None:
        """Why the technique, recipe or verb of this name cannot be chosen, where two plugins bring one each."""
        both = self._disputes.get((group, name))
        return f"is registered by both {both[0]} and {self.plugins[both[1]]}" if both else None

    def way_out(self, group: str, name: str) -> str:
        """What to do about such a dispute."""
        return f"uninstall one, or leave the second out: PLUGLM_PLUGINS=-{self._disputes[group, name][1]}"

    def recipes(self, group: str) -> dict[str, Recipe]:
        """The recipes of a group by name, sorted."""
        return {name: self._recipes[home, name] for home, name in sorted(self._recipes) if home == group}

    def verbs(self) -> dict[str, Verb]:
        """The verbs of the command line by name: those of the core, then those of plugins."""
        return {name: verb for (_, name), verb in self._verbs.items()}

    def verb_owner(self, name: str) -> Plugin | None:
        """The plugin that registered a verb, or None for one of the core."""
        return self.plugins.get(self._owners.get(("verb", name), ""))

    def broken(self) -> list[Plugin]:
        """Plugins that did not load or register something that cannot be held."""
        return [plugin for plugin in self.plugins.values() if plugin.error]

    def observes(self, plugin: Plugin) -> list[str]:
        """The hooks that a plugin implements beside those that register something."""
        callers = self.manager.get_hookcallers(self.manager.get_plugin(plugin.name)) or []
        return sorted(caller.name for caller in callers if not caller.name.startswith("register_"))

    def ask(self, hook: str, **told: Any) -> Iterator[tuple[Plugin, Any]]:
        """Call a hook of one plugin after the other: each with what it answered, or with the `Exception` that it
        raised, which costs the others nothing."""
        everybody = [module for _, module in self.manager.list_name_plugin()]
        for name, plugin in self.plugins.items():
            if not self.manager.has_plugin(name):
                continue
            module = self.manager.get_plugin(name)
            caller = self.manager.subset_hook_caller(hook, [other for other in everybody if other is not module])
            if not caller.get_hookimpls():
                continue
            try:
                answers = caller(**told)
            except Exception as error:
                yield plugin, error
            else:
                yield from ((plugin, answer) for answer in answers)

    def add(self, plugin: Plugin, module: object) -> None:
        """Register a loaded plugin module. What is wrong with it becomes the plugin's `error`, and nothing of it is
        taken."""
        self.plugins[plugin.name] = plugin
        techniques: dict[tuple[str, str], type[Technique]] = {}
        recipes: dict[tuple[str, str], Recipe] = {}
        verbs: dict[tuple[str, str], Verb] = {}
        try:
            with _heard() as deprecated:
                self.manager.register(module, name=plugin.name)
            for family, technique in self._registered_by(plugin.name):
                self._check(family, technique)
                self._claim(family, technique.name, plugin, techniques)
                techniques[family, technique.name] = technique
            folders = tuple(map(registered_folder, self._answers(plugin.name, "register_recipes")))
            for recipe in (recipe for folder in folders for recipe in recipes_in(folder, plugin.distribution)):
                self._claim(recipe.group, recipe.name, plugin, recipes)
                recipes[recipe.group, recipe.name] = recipe
            for verb in self._answers(plugin.name, "register_verbs"):
                if not isinstance(verb, Verb):
                    raise PluglmError(f"register_verbs returned {verb!r}, which is not a Verb")
                verb.check()
                self._claim("verb", verb.name, plugin, verbs)
                verbs["verb", verb.name] = verb
        except Exception as error:
            if self.manager.has_plugin(plugin.name):
                self.manager.unregister(name=plugin.name)
            self._fail(plugin, error)
            return
        told = tuple(dict.fromkeys([*plugin.deprecated, *deprecated]))
        self.plugins[plugin.name] = replace(plugin, deprecated=told, recipes=folders)
        self._techniques |= techniques
        self._recipes |= recipes
        self._verbs |= verbs
        self._owners |= dict.fromkeys([*techniques, *verbs], plugin.name)

    def _claim(self, group: str, name: str, plugin: Plugin, own: Mapping[tuple[str, str], object]) -> None:
        key = (group, name)
        if key in own:
            raise PluglmError(f"{group}={name} is registered twice")
        first: object = self.plugins[self._owners[key]] if key in self._owners else None
        first = first or (self._recipes[key].owner if key in self._recipes else None)
        first = first or ("pluglm" if key in self._verbs else None)
        if first:
            # Neither is taken for the other: who chooses the name is told of both.
            self._disputes[key] = (str(first), plugin.name)
            raise PluglmError(f"{group}={name} {self.dispute(group, name)}")

    def _fail(self, plugin: Plugin, error: Exception) -> None:
        said = str(error) if isinstance(error, PluglmError) else f"{type(error).__name__}: {error}"
        self.plugins[plugin.name] = replace(plugin, error=" ".join(said.split()))

    def _registered_by(self, plugin: str) -> Iterator[tuple[str, type[Technique]]]:
        for hook in dir(self.manager.hook):
            if hook.startswith("_"):
                continue
            for implementation in getattr(self.manager.hook, hook).get_hookimpls():
                if implementation.plugin_name == plugin and not hasattr(hookspecs, hook):
                    raise PluglmError(f"unknown hook {hook!r}{nearest(hook, _hook_names())}")
        for family, spec in FAMILIES.items():
            yield from ((family, technique) for technique in self._answers(plugin, spec.hook))

    def _answers(self, plugin: str, hook: str) -> Iterator[Any]:
        for implementation in getattr(self.manager.hook, hook).get_hookimpls():
            if implementation.plugin_name == plugin:
                yield from implementation.function()

    def _check(self, family: str, technique: type[Technique]) -> None:
        spec = FAMILIES[family]
        if not (inspect.isclass(technique) and spec.contract(technique)):
            wanted = " or a ".join(base.__name__ for base in (spec.base, *spec.also))
            raise PluglmError(f"{spec.hook} returned {technique!r}, which is not a {wanted}")
        if inspect.isabstract(technique):
            missing = ", ".join(sorted(technique.__abstractmethods__))
            raise PluglmError(f"{technique.__name__} does not define {missing}")
        if issubclass(technique, Intervention) and not technique.moments():
            raise PluglmError(f"{technique.__name__} acts at no moment of a run")


def _hook_names() -> list[str]:
    return [name for name in vars(hookspecs) if hasattr(getattr(hookspecs, name), "pluglm_spec")]


@contextmanager
def _heard() -> Iterator[list[str]]:
    """What is used meanwhile and deprecated; other warnings go where they would have gone."""
    deprecated: list[str] = []
    with warnings.catch_warnings(record=True) as said:
        warnings.simplefilter("always", PluglmDeprecationWarning)
        yield deprecated
    for warning in said:
        if isinstance(warning.message, PluglmDeprecationWarning):
            deprecated.append(str(warning.message))
        else:
            warnings.warn_explicit(warning.message, warning.category, warning.filename, warning.lineno)


def empty_catalog() -> Catalog:
    """A catalog without plugins, to which `add` adds them."""
    manager = pluggy.PluginManager("pluglm")
    manager.add_hookspecs(hookspecs)
    hookspecs.hookimpl(built_in_verbs.register_verbs)
    manager.register(built_in_verbs)
    return Catalog(
        manager,
        _recipes={(recipe.group, recipe.name): recipe for recipe in built_in_recipes()},
        _verbs={("verb", verb.name): verb for verbs in manager.hook.register_verbs() for verb in verbs},
    )


def read_catalog(entries: Iterable[EntryPoint], only: set[str] | None = None, without: Iterable[str] = ()) -> Catalog:
    """The catalog of these entry points, or of those among them that `only` names, `without` some."""
    catalog = empty_catalog()
    seen: set[tuple[str, str]] = set()
    # The core's own distribution first, so that a clash is blamed on the newcomer.
    for entry in sorted(entries, key=lambda entry: (_distribution(entry)[0] != "pluglm", entry.name, entry.value)):
        left_out = (only is not None and entry.name not in only) or entry.name in without
        if left_out or (entry.name, entry.value) in seen:
            continue
        seen.add((entry.name, entry.value))
        name = entry.name if entry.name not in catalog.plugins else f"{entry.name} ({_distribution(entry)[0]})"
        plugin = Plugin(name, entry.value, *_distribution(entry))
        try:
            with _heard() as deprecated:
                module = entry.load()
        except Exception as error:
            catalog._fail(plugin, error)
        else:
            catalog.add(replace(plugin, deprecated=tuple(deprecated)), module)
    return catalog


@cache
def installed_catalog() -> Catalog:
    """The catalog of what is installed; `PLUGLM_PLUGINS=a,b` takes only those entry points, and `PLUGLM_PLUGINS=-a,-b`
    all but those."""
    wanted = os.environ.get("PLUGLM_PLUGINS")
    names = {name.strip() for name in (wanted or "").split(",") if name.strip()}
    without = {name[1:] for name in names if name.startswith("-")}
    only = names - {f"-{name}" for name in without}
    return read_catalog(entry_points(group=GROUP), None if wanted is None or (without and not only) else only, without)


def _distribution(entry: EntryPoint) -> tuple[str, str]:
    return (entry.dist.name, entry.dist.version) if entry.dist else ("unknown", "0")
