"""What pyproject.toml says of the tree is so."""

from __future__ import annotations

import tomllib
from pathlib import Path

import pluglm

ROOT = Path(__file__).parents[1]
PROJECT = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))
SETUPTOOLS = PROJECT["tool"]["setuptools"]


def test_every_package_is_listed() -> None:
    found = set()
    for folder, prefix in (("core/pluglm", "pluglm"), ("conf", "pluglm.conf"), ("plugins", "")):
        for init in (ROOT / folder).rglob("__init__.py"):
            parts = [prefix] if prefix else []
            found.add(".".join([*parts, *init.parent.relative_to(ROOT / folder).parts]))
    assert set(SETUPTOOLS["packages"]) == found
    # A folder without __init__.py would be left out of the wheel.
    for folder in ("core/pluglm", "plugins", "conf"):
        for path in (ROOT / folder).rglob("*"):
            if path.suffix in (".py", ".yaml", ".jinja", ".css") and path.name != "__init__.py":
                assert (path.parent / "__init__.py").is_file(), path


def test_every_data_file_is_packed() -> None:
    plugins = [(folder.name, f"plugins/{folder.name}") for folder in (ROOT / "plugins").glob("pluglm_*")]
    for package, folder in (("pluglm", "core/pluglm"), ("pluglm.conf", "conf"), *plugins):
        for path in (ROOT / folder).rglob("*"):
            if path.suffix not in (".yaml", ".jinja", ".css", ".typed"):
                continue
            name = ".".join([package, *path.parent.relative_to(ROOT / folder).parts])
            patterns = SETUPTOOLS["package-data"].get(name, [])
            assert any(path.match(pattern) for pattern in patterns), path


def test_every_plugin_package_has_an_entry_point() -> None:
    entries = PROJECT["project"]["entry-points"]["pluglm"]
    assert set(entries.values()) == {path.parent.name for path in (ROOT / "plugins").glob("*/__init__.py")}


def test_versions_agree() -> None:
    assert pluglm.__version__ == PROJECT["project"]["version"]


def test_dependencies_have_tested_bounds() -> None:
    for requirement in PROJECT["project"]["dependencies"]:
        assert ">=" in requirement, requirement
