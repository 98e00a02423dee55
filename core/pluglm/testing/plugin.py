"""The kit's option, as a pytest plugin: pytest asks for options before it looks into packages."""

from __future__ import annotations

import os

import pytest

from pluglm.catalog import Plugin, installed_catalog


def pytest_addoption(parser: pytest.Parser) -> None:
    """Add --pluglm-plugin."""
    parser.getgroup("pluglm").addoption(
        "--pluglm-plugin", default=None, help="test only what this plugin or distribution brings"
    )


def pytest_configure(config: pytest.Config) -> None:
    """Refuse a name that nothing has, before anything is collected."""
    selected_plugins(config)


def selected_plugins(config: pytest.Config) -> list[Plugin]:
    """The plugins that were asked for, or all.

    Raises:
        pytest.UsageError: where there is none of that name.
    """
    chosen, plugins = chosen_plugin(config), installed_catalog().plugins.values()
    found = [plugin for plugin in plugins if chosen in (None, plugin.name, plugin.distribution, plugin.module)]
    if not found:
        known = ", ".join(sorted({plugin.distribution for plugin in plugins}))
        raise pytest.UsageError(f"no plugin or distribution is named {chosen!r}; installed: {known}")
    return found


def chosen_plugin(config: pytest.Config) -> str | None:
    """The plugin or distribution asked for, or None for all."""
    option: str | None = config.getoption("--pluglm-plugin", default=None)
    return option or os.environ.get("PLUGLM_CONFORMANCE") or None
