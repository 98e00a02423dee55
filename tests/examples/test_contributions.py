"""The examples of what a plugin can add beside techniques: recipes, a section of the report, notifications, a verb."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
from installed import EXAMPLES, command, installed
from small_runs import SHRUNK

NAMES = ("pluglm-recipes", "pluglm-carbon", "pluglm-notify", "pluglm-disk")
WORDS = [*SHRUNK, "source.python_library.max_megabytes=0.2", "tokenizer.vocab_size=512", "evaluator=[]"]
WORDS += ["train.precision=fp32", "output.folder=run"]


@pytest.fixture(scope="module")
def home(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Where commands run."""
    return tmp_path_factory.mktemp("examples")


@pytest.fixture(scope="module")
def environment(home: Path) -> dict[str, str]:
    """With all of them beside pluglm."""
    packages = home / "packages"
    packages.mkdir()
    program = "import sys, pathlib; pathlib.Path('told.json').write_text(sys.stdin.read())"
    (home / "notify.py").write_text(program)
    return installed(packages, *NAMES) | {
        "PLUGLM_CARBON_WATTS": "65",
        "PLUGLM_NOTIFY_COMMAND": "python notify.py",
        "PLUGLM_CACHE": str(home / "cache"),
    }


def test_they_are_plugins(environment: dict[str, str], home: Path) -> None:
    done = command(["pluglm", "plugins", "--json"], environment, home)
    assert done.returncode == 0, done.stdout + done.stderr
    plugins = {plugin["distribution"]: plugin for plugin in json.loads(done.stdout)}
    recipes = ["experiment=laptop_forgetting", "experiment=laptop_gpt", "sweep=laptop_learning_rates"]
    assert plugins["pluglm-recipes"]["recipes"] == recipes
    assert plugins["pluglm-carbon"]["hooks"] == ["report_sections"]
    assert plugins["pluglm-disk"]["verbs"] == ["disk"]
    assert {"run_ended", "metrics_logged"} <= set(plugins["pluglm-notify"]["hooks"])


def test_a_run_has_what_they_add(environment: dict[str, str], home: Path) -> None:
    done = command(["pluglm", "train", "--quiet", "experiment=laptop_gpt", *WORDS], environment, home)
    assert done.returncode == 0, done.stderr
    assert not (home / "run" / "observer_errors.txt").exists(), (home / "run" / "observer_errors.txt").read_text()
    page = (home / "run" / "report.html").read_text(encoding="utf-8")
    assert "Energy and carbon" in page and "pluglm-carbon (carbon)" in page and "At 65 W, 436 g of CO2" in page
    told = json.loads((home / "told.json").read_text())
    assert told["event"] == "ended" and told["status"] == "finished" and told["run"] == "run"
    done = command(["pluglm", "disk", ".", "--json"], environment, home)
    assert done.returncode == 0, done.stderr
    (row,) = json.loads(done.stdout)
    written = sum(path.lstat().st_size for path in (home / "run").rglob("*") if path.is_file())
    assert row["folder"] == "run" and row["status"] == "finished" and 0 < row["removable"] < row["bytes"] == written


def test_the_verb_is_one_of_the_command(environment: dict[str, str], home: Path) -> None:
    done = command(["pluglm", "--help"], environment, home)
    assert "  disk        list run folders and their sizes  [pluglm-disk]\n" in done.stdout
    assert command(["pluglm", "complete", "pluglm disk --a"], environment, home).stdout == "--at-least\n"
    done = command(["pluglm", "dsik"], environment, home)
    assert (done.returncode, done.stderr) == (2, "pluglm: dsik: no such verb; did you mean 'disk'?\n")
    left_out = environment | {"PLUGLM_PLUGINS": "-disk"}
    assert "disk" not in command(["pluglm", "--help"], left_out, home).stdout


def test_their_own_tests_pass(environment: dict[str, str], home: Path) -> None:
    tests = [str(EXAMPLES / name / "tests") for name in NAMES]
    clean = {key: value for key, value in environment.items() if not key.startswith(("PLUGLM_CARBON", "PLUGLM_NOTIFY"))}
    done = command(
        ["pytest", "-q", "-p", "no:cacheprovider", "--import-mode=importlib", "--rootdir", str(home), *tests],
        clean,
        home,
    )
    assert done.returncode == 0, done.stdout + done.stderr
