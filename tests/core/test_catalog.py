"""A plugin that is broken is told in one clear line, and takes nothing else down with it."""

from __future__ import annotations

import subprocess
import sys
import warnings
from importlib.metadata import EntryPoint
from pathlib import Path

import pytest

import pluglm
from pluglm.catalog import Catalog, installed_catalog, read_catalog
from pluglm.config.compose import compose
from pluglm.errors import ConfigError, PluglmDeprecationWarning

GOOD = '''
from pluglm import Schedule, hookimpl

class Stairs(Schedule):
    """Down in steps."""

    def after_warmup(self, progress: float) -> float:
        return 1.0 if progress < 0.5 else 0.1

@hookimpl
def register_schedules():
    return [Stairs]
'''
BROKEN = {
    "does_not_import": ("import no_such_module_anywhere", "No module named 'no_such_module_anywhere'"),
    "does_not_parse": ("def broken(:", "SyntaxError"),
    "misspelt_hook": (GOOD.replace("register_schedules", "register_schedule"), "did you mean 'register_schedules'?"),
    "wrong_family": (GOOD.replace("register_schedules", "register_optimizers"), "is not a Optimizer"),
    "wrong_family_of_two": (
        GOOD.replace("register_schedules", "register_preprocessors"),
        "is not a Preprocessor or a CorpusPreprocessor",
    ),
    "not_a_class": (GOOD.replace("return [Stairs]", "return [Stairs()]"), "is not a Schedule"),
    "abstract": (
        GOOD.replace("Schedule", "Optimizer").replace("register_schedules", "register_optimizers"),
        "Stairs does not define build",
    ),
    "raises": (GOOD.replace("return [Stairs]", "raise RuntimeError('on strike')"), "on strike"),
    "taken_name": (GOOD.replace("Stairs", "Cosine"), "schedule=cosine is registered by both"),
    "no_moment": (
        GOOD.replace("Schedule", "Regularizer").replace("register_schedules", "register_regularizers"),
        "Stairs acts at no moment of a run",
    ),
}


@pytest.fixture
def with_plugin(tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    monkeypatch.syspath_prepend(str(tmp_path))

    def read(name: str, code: str) -> Catalog:
        (tmp_path / f"plugin_{name}.py").write_text(code)
        built_in = [EntryPoint("schedules", "pluglm_schedules", "pluglm")]
        return read_catalog([EntryPoint(name, f"plugin_{name}", "pluglm"), *built_in])

    return read


@pytest.mark.parametrize("name", BROKEN)
def test_broken_plugin(name: str, with_plugin) -> None:
    code, told = BROKEN[name]
    catalog = with_plugin(name, code)
    (broken,) = catalog.broken()
    assert broken.name == name and broken.error and told in broken.error and "\n" not in broken.error
    assert "linear" in catalog.names("schedule") and "stairs" not in catalog.names("schedule")
    with pytest.raises(ConfigError, match=f"plugin '{name}' did not load"):
        compose(["schedule=stairs"], catalog=catalog)


def test_good_plugin(with_plugin) -> None:
    catalog = with_plugin("good", GOOD)
    assert not catalog.broken()
    assert {"linear", "stairs"} < set(catalog.names("schedule"))
    stairs = catalog.find("schedule", "stairs")
    assert stairs is not None and catalog.owner(stairs).name == "good"


def test_a_broken_plugin_leaves_the_command_alone(tmp_path: Path) -> None:
    info = tmp_path / "pluglm_broken-1.0.dist-info"
    info.mkdir()
    (info / "METADATA").write_text("Metadata-Version: 2.1\nName: pluglm-broken\nVersion: 1.0\n")
    (info / "entry_points.txt").write_text("[pluglm]\nbroken = pluglm_broken\n")
    (tmp_path / "pluglm_broken.py").write_text("raise ImportError('needs a part that is not there')")
    for words in (["--help"], ["list"], ["plugins"], ["check"]):
        code = f"import sys; sys.path.insert(0, {str(tmp_path)!r}); sys.argv = ['pluglm', *{words!r}]\n"
        done = subprocess.run(
            [sys.executable, "-c", code + "from pluglm.cli import main; main()"], capture_output=True, text=True
        )
        said = done.stdout + done.stderr
        assert done.returncode == (words == ["plugins"]) and "Traceback" not in said
        if words != ["--help"]:
            assert ("needs a part that is not there" in said) == (words != ["check"]), words


def test_a_plugin_that_uses_an_old_name_works_and_is_told(with_plugin, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(pluglm._RENAMED, "Timetable", "Schedule")
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        catalog = with_plugin("old", GOOD.replace("Schedule", "Timetable"))
    plugin = catalog.plugins["old"]
    assert plugin.error is None and catalog.find("schedule", "stairs") is not None
    assert plugin.deprecated == ("pluglm.Timetable is deprecated: use pluglm.Schedule",)
    with pytest.warns(PluglmDeprecationWarning, match="use pluglm.Schedule"):
        assert pluglm.Timetable is pluglm.Schedule  # type: ignore[attr-defined]


def test_other_warnings_of_a_plugin_are_heard(with_plugin) -> None:
    with pytest.warns(UserWarning, match="mind the step"):
        catalog = with_plugin("warning", "import warnings\nwarnings.warn('mind the step')\n" + GOOD)
    assert catalog.plugins["warning"].deprecated == ()


def test_one_plugin_cannot_have_a_name_twice(with_plugin) -> None:
    catalog = with_plugin(
        "twice", GOOD.replace("[Stairs]", "[Stairs, type('Stairs', (Stairs,), {'__doc__': 'Again.'})]")
    )
    assert catalog.plugins["twice"].error == "schedule=stairs is registered twice"


def test_a_plugin_is_left_out(monkeypatch: pytest.MonkeyPatch) -> None:
    installed_catalog.cache_clear()
    monkeypatch.setenv("PLUGLM_PLUGINS", "-optimizers, -schedules")
    try:
        left = set(installed_catalog().plugins)
        assert "sources" in left and not left & {"optimizers", "schedules"}
    finally:
        installed_catalog.cache_clear()


def test_a_subset_is_loaded(monkeypatch: pytest.MonkeyPatch) -> None:
    installed_catalog.cache_clear()
    monkeypatch.setenv("PLUGLM_PLUGINS", "optimizers, schedules")
    try:
        catalog = installed_catalog()
        assert set(catalog.plugins) == {"optimizers", "schedules"} and not catalog.names("source")
    finally:
        installed_catalog.cache_clear()
