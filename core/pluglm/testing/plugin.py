"""The kit's option, as a pytest plugin: pytest asks for options before it looks into packages."""

from __future__ import annotations

import os

import pytest


def pytest_addoption(parser: pytest.Parser) -> None:
    """Add --pluglm-plugin."""
    parser.getgroup("pluglm").addoption(
        "--pluglm-plugin", default=None, help="test only the techniques of this plugin or distribution"
    )


def chosen_plugin(config: pytest.Config) -> str | None:
    """The plugin or distribution asked for, or None for all."""
    option: str | None = config.getoption("--pluglm-plugin", default=None)
    return option or os.environ.get("PLUGLM_CONFORMANCE") or None
