"""The kit's suite for verbs passes a good verb and finds what is wrong with others; a plugin needs no techniques."""

from __future__ import annotations

import os
import re
import subprocess
import sys
from pathlib import Path

import pytest

from pluglm.testing.plugin import chosen_plugin

GOOD = '''
from pathlib import Path

from pluglm import Arguments, ConfigError, Flag, Problem

FLAGS = {"--by-name": Flag("sort by name")}


def run(given: Arguments) -> int:
    """Counts runs and other things."""
    missing = [Problem(word, "is not there") for word in given.words if not Path(word).exists()]
    if missing:
        raise ConfigError(missing)
    return 0


def candidates() -> list[str]:
    return ["sheep", "stars"]
'''
# By the name of the verb: the test that must find its fault, and what is changed in the good one.
FAULTS = {
    "silent": ("test_verb_has_a_help", '    """Counts runs and other things."""\n', ""),
    "undescribed": ("test_verb_describes_its_flags", '"sort by name"', '""'),
    "shouting": ("test_verb_describes_its_flags", "--by-name", "--BY"),
    "heavy": ("test_verb_imports_nothing_heavy_for_its_help", "from pathlib", "import numpy\nfrom pathlib"),
    "wordless": ("test_verb_completes_words", '"stars"', "7"),
    "vague": ("test_verb_names_a_run_folder_that_is_not_there", "Problem(word,", 'Problem("a word",'),
    "careless": ("test_verb_names_a_run_folder_that_is_not_there", "    if missing:", "    if False:"),
}
PLUGIN = """
from pluglm import Verb, hookimpl


@hookimpl
def register_verbs():
    return [Verb(name, "count things", f"pluglm_verbs.{{name}}", "RUN...", ("runs", "own")) for name in {names}]
"""


@pytest.fixture(scope="module")
def said(tmp_path_factory: pytest.TempPathFactory) -> str:
    """What the kit prints of a plugin with a good verb and the faulty ones."""
    source = tmp_path_factory.mktemp("verbs")
    package = source / "pluglm_verbs"
    package.mkdir()
    (package / "__init__.py").write_text(PLUGIN.format(names=["good", *FAULTS]))
    (package / "good.py").write_text(GOOD)
    for name, (_, old, new) in FAULTS.items():
        assert old in GOOD, name
        (package / f"{name}.py").write_text(GOOD.replace(old, new))
    info = source / "pluglm_verbs-0.1.0.dist-info"
    info.mkdir()
    (info / "METADATA").write_text("Metadata-Version: 2.1\nName: pluglm-verbs\nVersion: 0.1.0\n")
    (info / "entry_points.txt").write_text("[pluglm]\nverbs = pluglm_verbs\n")
    return kit("pluglm-verbs", PYTHONPATH=str(source))


def kit(plugin: str, **environment: str) -> str:
    words = ["--pluglm-plugin", plugin, "-q", "-rfEp", "--tb=no"]
    command = [sys.executable, "-m", "pluglm.testing", *words]
    return subprocess.run(command, env=dict(os.environ, **environment), capture_output=True, text=True).stdout


def of(said: str, verdict: str) -> set[tuple[str, str]]:
    return set(re.findall(rf"^{verdict} .*::(\w+)\[(\w+)\]", said, flags=re.MULTILINE))


def test_a_good_verb_passes_and_each_fault_is_found_by_its_test(said: str) -> None:
    assert of(said, "FAILED") == {(test, name) for name, (test, _, _) in FAULTS.items()}
    assert {test for test, name in of(said, "PASSED") if name == "good"} == {test for test, _, _ in FAULTS.values()}
    assert ("test_plugin_loads", "verbs") in of(said, "PASSED")


def test_every_test_of_the_suite_has_a_fault() -> None:
    suite = Path(chosen_plugin.__code__.co_filename).with_name("test_verb.py").read_text(encoding="utf-8")
    assert set(re.findall(r"^def (test_\w+)", suite, flags=re.MULTILINE)) == {test for test, _, _ in FAULTS.values()}


def test_a_tool_plugin_of_the_house_passes() -> None:
    shown = kit("comparing")
    assert not of(shown, "FAILED") and "error" not in shown.splitlines()[-1]
    assert len({test for test, name in of(shown, "PASSED") if name == "compare"}) == 4
