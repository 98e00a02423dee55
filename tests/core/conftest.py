"""A plugin for the length of one test."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from types import ModuleType

import pytest

from pluglm.catalog import Plugin, installed_catalog
from pluglm.hookspecs import hookimpl

PlugIn = Callable[..., Plugin]


@pytest.fixture
def plug_in() -> Iterator[PlugIn]:
    """Adds a plugin of this name, with the functions given as its hooks, to what is installed."""
    installed_catalog.cache_clear()

    def add(name: str, *hooks: Callable[..., object]) -> Plugin:
        module = ModuleType(f"pluglm_{name}")
        for function in hooks:
            setattr(module, function.__name__, hookimpl(function))
        catalog = installed_catalog()
        catalog.add(Plugin(name, module.__name__, f"pluglm-{name}", "1.0"), module)
        return catalog.plugins[name]

    yield add
    installed_catalog.cache_clear()
