"""The conformance kit passes what is good and finds what is wrong: each technique that `new-plugin` writes, and the
same with one thing changed in each."""

from __future__ import annotations

import os
import re
import subprocess
import sys
import tomllib
from dataclasses import dataclass
from pathlib import Path

import pytest
from selection import asked_for, matrix

from pluglm import testing
from pluglm.cli.new_plugin import write
from pluglm.families import FAMILIES

VERB = "verb"
# What `new-plugin` does not write: a verb.
GOOD_VERB = '''
from __future__ import annotations

from pathlib import Path

from pluglm import Arguments, ConfigError, Flag, Problem

FLAGS = {"--twice": Flag("name each of them twice")}


def run(given: Arguments) -> int:
    """Names the run folders that it is given."""
    for word in given.words:
        if not Path(word).is_dir():
            raise ConfigError([Problem("good", "is not a run folder", word)])
    print(*given.words * (2 if "twice" in given.flags else 1))
    return 0
'''
REGISTERING = """
from pluglm import Verb, hookimpl

@hookimpl
def register_verbs():
    return [Verb(name.replace("_", "-"), "a verb", module, takes=("runs",)) for name, module in {modules}.items()]
"""


@dataclass(frozen=True)
class Mutant:
    """A fault in the good technique of a family, or in a good verb: what is changed in its file, and the test that must
    find it."""

    name: str
    family: str
    test: str
    change: list[dict[str, str]]


MUTANTS = [
    Mutant(**found) for found in tomllib.loads((Path(__file__).parent / "mutants.toml").read_text("utf-8"))["mutant"]
]
# One of each family, whose fault shows without a whole run.
SLOW = ("test_run_", "test_tracked_run", "test_its_defaults_compose", "test_another_process")
QUICK = {mutant.family: mutant for mutant in reversed(MUTANTS) if not mutant.test.startswith(SLOW)}
# Put at the head of every mutant, where one needs it.
HEAD = """
from pathlib import Path

from pluglm import CorpusPreprocessor

SEEN: list = []
"""


def code_of(mutant: Mutant, good: Path) -> str:
    """The good technique's file with its one fault, under the mutant's name."""
    is_verb = mutant.family == VERB
    code = GOOD_VERB if is_verb else (good / f"good_{mutant.family}.py").read_text(encoding="utf-8")
    for change in mutant.change:
        assert change["old"] in code, f"{mutant.name}: {change['old']!r} is not in the template any more"
        code = code.replace(change["old"], change["new"], 1)
    title = "".join(part.capitalize() for part in f"good_{mutant.family}".split("_"))
    code = code.replace(f"class {title}(", f"class {class_of(mutant)}(", 1)
    return code.replace("from __future__ import annotations\n", f"from __future__ import annotations\n{HEAD}", 1)


def class_of(mutant: Mutant) -> str:
    return "".join(part.capitalize() for part in mutant.name.split("_"))


@dataclass(frozen=True)
class Verdict:
    """What the kit printed, and its (test, technique or plugin) that failed."""

    said: str
    failed: frozenset[tuple[str, str]]
    mutants: list[Mutant]


@pytest.fixture(scope="module")
def package(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The folder of a package of good techniques, one of each family, and of those mutants that are asked for, and of
    one that is heavy."""
    made = asked_for(request, "mutant")
    folder = write("good", list(FAMILIES), tmp_path_factory.mktemp("kit"))
    source = folder / "src"
    good = source / "pluglm_good"
    mutants = source / "pluglm_mutants"
    mutants.mkdir()
    lines = ["from pluglm import hookimpl", ""]
    for mutant in made:
        (mutants / f"{mutant.name}.py").write_text(code_of(mutant, good), encoding="utf-8")
        if mutant.family != VERB:
            lines.append(f"from pluglm_mutants.{mutant.name} import {class_of(mutant)}")
    for family, spec in FAMILIES.items():
        classes = ", ".join(class_of(mutant) for mutant in made if mutant.family == family)
        lines += ["", "@hookimpl", f"def {spec.hook}():", f"    return [{classes}]"]
    (mutants / "__init__.py").write_text("\n".join(lines) + "\n", encoding="utf-8")
    modules = {mutant.name: f"pluglm_mutants.{mutant.name}" for mutant in made if mutant.family == VERB}
    modules["good_verb"] = "pluglm_good_verb"
    (source / "pluglm_good_verb.py").write_text(GOOD_VERB, encoding="utf-8")
    (source / "pluglm_verbs.py").write_text(REGISTERING.format(modules=modules), encoding="utf-8")
    (source / "pluglm_heavy.py").write_text("import torch\n", encoding="utf-8")
    # What pip would write beside the package, so that its entry points are found without an installation.
    info = source / "pluglm_good-0.1.0.dist-info"
    info.mkdir()
    (info / "METADATA").write_text("Metadata-Version: 2.1\nName: pluglm-good\nVersion: 0.1.0\n")
    entries = "[pluglm]\ngood = pluglm_good\nmutants = pluglm_mutants\nheavy = pluglm_heavy\nverbs = pluglm_verbs\n"
    (info / "entry_points.txt").write_text(entries)
    return folder


@pytest.fixture(scope="module")
def verdict(request: pytest.FixtureRequest, package: Path) -> Verdict:
    """The kit over all of them; whole runs are made of the good ones that are asked for, and of mutants that only a run
    gives away."""
    mutants = asked_for(request, "mutant")
    wanted = [f"({mutant.test} and {mutant.name})" for mutant in mutants if mutant.test.startswith(SLOW)]
    wanted += [f"good_{family}" for family in asked_for(request, "run_of")]
    words = ["--pluglm-plugin", "pluglm-good", "-q", "-rfE", "--tb=no"]
    words += ["-k", " or ".join([f"not ({' or '.join(SLOW)})", *wanted])]
    done = subprocess.run(
        [sys.executable, "-m", "pluglm.testing", *words],
        cwd=package.parent, env=dict(os.environ, PYTHONPATH=str(package / "src")), capture_output=True, text=True,
    )  # fmt: skip
    assert done.returncode == 1, done.stdout + done.stderr
    failed = re.findall(r"^(?:FAILED|ERROR) .*::(\w+)\[(?:\w+=)?([\w-]+)\]", done.stdout, flags=re.MULTILINE)
    found = frozenset((test, name.replace("-", "_")) for test, name in failed)
    return Verdict(done.stdout, found, mutants)


@pytest.mark.parametrize("mutant", matrix(MUTANTS, QUICK.values()), ids=lambda mutant: mutant.name)
def test_a_fault_is_found_by_the_test_that_is_meant_for_it(mutant: Mutant, verdict: Verdict) -> None:
    found = {test for test, name in verdict.failed if name == mutant.name}
    assert mutant.test in found, f"found by {sorted(found) or 'none'}\n{verdict.said[-2000:]}"


@pytest.mark.parametrize("family", [*FAMILIES, VERB])
def test_what_new_plugin_writes_passes(family: str, verdict: Verdict) -> None:
    assert not {test for test, name in verdict.failed if name == f"good_{family}"}, verdict.said[-3000:]
    assert not {test for test, name in verdict.failed if name == "good"}


@pytest.mark.parametrize("run_of", matrix(FAMILIES, ["preprocessor", "objective"]))
def test_what_new_plugin_writes_passes_in_whole_runs(run_of: str, verdict: Verdict) -> None:
    assert not {test for test, name in verdict.failed if name == f"good_{run_of}"}, verdict.said[-3000:]
    passed = re.search(r"(\d+) passed", verdict.said)
    assert passed and int(passed[1]) > 100


def test_a_heavy_import_is_found(verdict: Verdict) -> None:
    assert {test for test, name in verdict.failed if name == "heavy"} == {"test_importing_it_imports_nothing_heavy"}


@pytest.mark.parametrize("mutants", matrix(["those of the sample", "the others"], ["those of the sample"]))
def test_a_fault_is_not_blamed_on_everything(mutants: str, verdict: Verdict) -> None:
    """It may show in a few tests beside its own."""
    techniques = {mutant.name for mutant in verdict.mutants} | {"heavy"}
    assert {name for _, name in verdict.failed} == techniques
    assert len(verdict.failed) <= 3 * len(techniques), sorted(verdict.failed)


def test_every_family_has_a_suite() -> None:
    folder = Path(testing.__file__).parent
    marked = "\n".join(path.read_text(encoding="utf-8") for path in folder.glob("test_*.py"))
    for family in FAMILIES:
        assert re.search(rf'mark\.family\([^)]*"{family}"', marked), family


def test_what_new_plugin_writes_is_formatted(package: Path) -> None:
    rules = ["--isolated", "--no-cache", "--line-length", "120"]
    for check in (["check", "--select", "E,F,I,UP,B"], ["format", "--check"]):
        command = [sys.executable, "-m", "ruff", *check, *rules, "src/pluglm_good", "tests"]
        done = subprocess.run(command, cwd=package, capture_output=True, text=True)
        assert done.returncode == 0, done.stdout


def test_an_unknown_name_lists_those_that_are_there() -> None:
    words = [sys.executable, "-m", "pluglm.testing", "--pluglm-plugin", "no-such-thing"]
    done = subprocess.run(words, capture_output=True, text=True)
    said = done.stdout + done.stderr
    assert done.returncode == 4 and "no-such-thing" in said and "installed: pluglm" in said
