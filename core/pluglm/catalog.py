"""The catalog: every technique the installed plugins register, by family and name."""

from __future__ import annotations

import difflib
import inspect
import os
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field
from functools import cache
from importlib.metadata import EntryPoint, entry_points

import pluggy

from pluglm import hookspecs
from pluglm.errors import PluglmError
from pluglm.families import FAMILIES
from pluglm.families.intervention import Intervention
from pluglm.technique import Technique

GROUP = "pluglm"


@dataclass(frozen=True, slots=True)
class Plugin:
    """An entry point of the group `pluglm`. `error`: why it did not load, or None."""

    name: str
    module: str
    distribution: str
    version: str
    error: str | None = None


@dataclass(slots=True)
class Catalog:
    """Techniques by (family, name), the plugin that owns each, and the plugins that are broken."""

    manager: pluggy.PluginManager
    plugins: dict[str, Plugin] = field(default_factory=dict)
    _techniques: dict[tuple[str, str], type[Technique]] = field(default_factory=dict)
    _owners: dict[tuple[str, str], str] = field(default_factory=dict)

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

    def broken(self) -> list[Plugin]:
        """Plugins that did not load or register something that cannot be held."""
        return [plugin for plugin in self.plugins.values() if plugin.error]

    def add(self, plugin: Plugin, module: object) -> None:
        """Register a loaded plugin module. What is wrong with it becomes the plugin's `error`, and none of its
        techniques are taken."""
        self.plugins[plugin.name] = plugin
        try:
            self.manager.register(module, name=plugin.name)
            techniques = list(self._registered_by(plugin.name))
            for family, technique in techniques:
                self._check(family, technique, plugin.name)
        except Exception as error:
            if self.manager.has_plugin(plugin.name):
                self.manager.unregister(name=plugin.name)
            self._fail(plugin, error)
            return
        for family, technique in techniques:
            self._techniques[family, technique.name] = technique
            self._owners[family, technique.name] = plugin.name

    def _fail(self, plugin: Plugin, error: Exception) -> None:
        said = str(error) if isinstance(error, PluglmError) else f"{type(error).__name__}: {error}"
        self.plugins[plugin.name] = Plugin(
            plugin.name, plugin.module, plugin.distribution, plugin.version, " ".join(said.split())
        )

    def _registered_by(self, plugin: str) -> Iterator[tuple[str, type[Technique]]]:
        for hook in dir(self.manager.hook):
            if hook.startswith("_"):
                continue
            for implementation in getattr(self.manager.hook, hook).get_hookimpls():
                if implementation.plugin_name == plugin and not hasattr(hookspecs, hook):
                    raise PluglmError(f"unknown hook {hook!r}{nearest(hook, _hook_names())}")
        for family, spec in FAMILIES.items():
            for implementation in getattr(self.manager.hook, spec.hook).get_hookimpls():
                if implementation.plugin_name == plugin:
                    yield from ((family, technique) for technique in implementation.function())

    def _check(self, family: str, technique: type[Technique], plugin: str) -> None:
        base = FAMILIES[family].base
        if not (inspect.isclass(technique) and issubclass(technique, base)):
            raise PluglmError(f"{FAMILIES[family].hook} returned {technique!r}, which is not a {base.__name__}")
        if inspect.isabstract(technique):
            missing = ", ".join(sorted(technique.__abstractmethods__))
            raise PluglmError(f"{technique.__name__} does not define {missing}")
        if issubclass(technique, Intervention) and not technique.moments():
            raise PluglmError(f"{technique.__name__} acts at no moment of a run")
        owner = self._owners.get((family, technique.name))
        if owner:
            both = f"{self.plugins[owner].distribution} ({owner}) and {self.plugins[plugin].distribution} ({plugin})"
            raise PluglmError(f"{family}={technique.name} is registered by both {both}")


def _hook_names() -> list[str]:
    return [name for name in vars(hookspecs) if hasattr(getattr(hookspecs, name), "pluglm_spec")]


def empty_catalog() -> Catalog:
    """A catalog without plugins, to which `add` adds them."""
    manager = pluggy.PluginManager("pluglm")
    manager.add_hookspecs(hookspecs)
    return Catalog(manager)


def read_catalog(entries: Iterable[EntryPoint], only: set[str] | None = None) -> Catalog:
    """The catalog of these entry points, or of those among them that `only` names."""
    catalog = empty_catalog()
    seen: set[tuple[str, str]] = set()
    # The core's own distribution first, so that a clash is blamed on the newcomer.
    for entry in sorted(entries, key=lambda entry: (_distribution(entry)[0] != "pluglm", entry.name, entry.value)):
        if (only is not None and entry.name not in only) or (entry.name, entry.value) in seen:
            continue
        seen.add((entry.name, entry.value))
        name = entry.name if entry.name not in catalog.plugins else f"{entry.name} ({_distribution(entry)[0]})"
        plugin = Plugin(name, entry.value, *_distribution(entry))
        try:
            module = entry.load()
        except Exception as error:
            catalog._fail(plugin, error)
        else:
            catalog.add(plugin, module)
    return catalog


@cache
def installed_catalog() -> Catalog:
    """The catalog of what is installed; `PLUGLM_PLUGINS=a,b` takes only those entry points."""
    wanted = os.environ.get("PLUGLM_PLUGINS")
    only = None if wanted is None else {name.strip() for name in wanted.split(",") if name.strip()}
    return read_catalog(entry_points(group=GROUP), only)


def _distribution(entry: EntryPoint) -> tuple[str, str]:
    return (entry.dist.name, entry.dist.version) if entry.dist else ("unknown", "0")


def nearest(word: str, known: Iterable[str]) -> str:
    """`; did you mean 'x'?` for the nearest of `known`, else `; known: ...`."""
    choices = sorted(known)
    close = difflib.get_close_matches(word, choices, n=1, cutoff=0.5)
    if close:
        return f"; did you mean {close[0]!r}?"
    return f"; known: {', '.join(choices) or 'none'}"
