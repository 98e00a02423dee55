"""What the README says is what pluglm does."""

from __future__ import annotations

import re
import shlex
import subprocess
import sys
import tomllib
from pathlib import Path

import pytest
import yaml

from pluglm.config.compose import compose

ROOT = Path(__file__).parents[1]
README = (ROOT / "README.md").read_text(encoding="utf-8")
COMMANDS = [line.split("  #")[0].strip().removeprefix("$ ") for line in README.splitlines() if line.startswith("    ")]
TRAINS = [shlex.split(line)[2:] for line in COMMANDS if line.startswith("pluglm train") and " -m " not in line]


def test_the_table_is_the_catalogs() -> None:
    done = subprocess.run(
        [sys.executable, "-m", "pluglm", "list", "--markdown"], capture_output=True, text=True, check=True
    )
    table = re.search(r"<!-- pluglm list --markdown -->\n(.*)\n<!-- end -->", README, re.DOTALL)
    assert table is not None
    assert table.group(1).splitlines() == done.stdout.strip().splitlines(), (
        "pluglm list --markdown prints the new table"
    )


@pytest.mark.parametrize("words", [w for w in TRAINS if not any("path" in x or "shout" in x or "sgdd" in x for x in w)])
def test_every_train_line_composes(words: list[str]) -> None:
    compose(words)


def test_there_are_such_lines() -> None:
    assert len(TRAINS) > 8


def test_the_mistakes_are_answered_as_shown() -> None:
    words = next(w for w in TRAINS if any("sgdd" in x for x in w))
    shown = [line.strip() for line in README.splitlines() if line.startswith("    pluglm: ")]
    done = subprocess.run([sys.executable, "-m", "pluglm", "check", *words], capture_output=True, text=True)
    assert done.returncode == 2
    assert done.stderr.splitlines() == shown


def test_files_it_links_to_exist() -> None:
    links = re.findall(r"\]\(([^)#]+)\)", README)
    assert links
    for link in links:
        assert link.startswith("http") or (ROOT / link).exists(), link


def test_ci_runs_its_test_line() -> None:
    ci = (ROOT / ".ci" / "run").read_text(encoding="utf-8")
    line = next(line for line in COMMANDS if "pytest" in line and "venv" in line)
    for part in ("-c constraints.txt -e '.[test]'", "bin/pytest"):
        assert part in line and part in ci.replace('"', "")
    assert '/bin/pytest"\n' in ci, "the very line, with no word more"


def test_ci_runs_what_a_plain_pytest_leaves_out() -> None:
    options = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))["tool"]["pytest"]["ini_options"]
    assert "-m 'not exhaustive'" in options["addopts"]
    ci = (ROOT / ".ci" / "run").read_text(encoding="utf-8")
    assert ci.index('/bin/pytest"\n') < ci.index('/bin/pytest" -m exhaustive\n')


def test_a_commit_is_checked_as_ci_checks() -> None:
    (local,) = yaml.safe_load((ROOT / ".pre-commit-config.yaml").read_text(encoding="utf-8"))["repos"]
    hooks = [hook["entry"].removeprefix(".venv/bin/").removesuffix(" --force-exclude") for hook in local["hooks"]]
    ci = (ROOT / ".ci" / "run").read_text(encoding="utf-8")
    checks = [line.split("/bin/")[1].replace('"', "").removesuffix(" .") for line in ci.splitlines() if "/bin/" in line]
    assert hooks == [check for check in checks if check.startswith(("ruff", "mypy"))]
