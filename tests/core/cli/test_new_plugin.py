"""What `new-plugin` writes is a package: it builds, installs, and is told apart from one that clashes with it. That it
does what it should is for the conformance kit to say (tests/core/testing/test_kit.py)."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest

from pluglm.cli.new_plugin import write
from pluglm.families import FAMILIES


@pytest.fixture(scope="module")
def environment(tmp_path_factory: pytest.TempPathFactory) -> dict[str, str]:
    """With two generated packages installed from their wheels: one has a technique of every family, and the other takes
    one of the first's names."""
    home = tmp_path_factory.mktemp("packages")
    first = write("everything", list(FAMILIES), home)
    second = write("newcomer", ["schedule"], home)
    module = second / "src" / "pluglm_newcomer" / "newcomer.py"
    code = module.read_text(encoding="utf-8")
    module.write_text(
        code.replace("    halvings:", '    name = "everything_schedule"\n\n    halvings:', 1), encoding="utf-8"
    )
    pip = [sys.executable, "-m", "pip"]
    wheel: list[str | Path] = [
        *pip,
        "wheel",
        "--quiet",
        "--no-deps",
        "--no-build-isolation",
        "--no-index",
        "--wheel-dir",
        home / "wheels",
    ]
    subprocess.run([*wheel, first, second], check=True)
    wheels = sorted((home / "wheels").glob("*.whl"))
    assert [path.name.split("-")[0] for path in wheels] == ["pluglm_everything", "pluglm_newcomer"]
    install: list[str | Path] = [*pip, "install", "--quiet", "--no-deps", "--no-index", "--target", home / "site"]
    subprocess.run([*install, *wheels], check=True)
    return dict(os.environ, PYTHONPATH=str(home / "site"))


def pluglm(environment: dict[str, str], *words: str, **more: str) -> subprocess.CompletedProcess[str]:
    command = [sys.executable, "-m", "pluglm", *words]
    return subprocess.run(command, env=environment | more, capture_output=True, text=True)


def test_every_family_is_there(environment: dict[str, str]) -> None:
    done = pluglm(environment, "list", "--json")
    mine = {row["family"]: row["name"] for row in json.loads(done.stdout) if row["distribution"] == "pluglm-everything"}
    assert mine == {family: f"everything_{family}" for family in FAMILIES}


def test_a_clash_names_both_owners(environment: dict[str, str]) -> None:
    both = "is registered by both pluglm-everything (everything) and pluglm-newcomer (newcomer)"
    done = pluglm(environment, "plugins")
    assert done.returncode == 1
    (line,) = [line for line in done.stdout.splitlines() if line.startswith("newcomer ")]
    assert line == f"newcomer (pluglm-newcomer 0.1.0): DID NOT LOAD: schedule=everything_schedule {both}"
    done = pluglm(environment, "check", "schedule=everything_schedule")
    assert done.returncode == 2
    hint = "uninstall one, or leave the second out: PLUGLM_PLUGINS=-newcomer"
    assert done.stderr == f"pluglm: schedule=everything_schedule: {both}; {hint}\n"
    done = pluglm(environment, "show", "schedule=everything_schedule")
    assert done.returncode == 0 and f"Cannot be chosen: it {both}" in done.stdout


def test_the_way_out_of_a_clash(environment: dict[str, str]) -> None:
    for without, owner in (("newcomer", "pluglm-everything"), ("everything", "pluglm-newcomer")):
        done = pluglm(environment, "check", "schedule=everything_schedule", PLUGLM_PLUGINS=f"-{without}")
        assert done.returncode == 0, done.stderr
        shown = pluglm(environment, "show", "everything_schedule", "--json", PLUGLM_PLUGINS=f"-{without}")
        assert json.loads(shown.stdout)["owner"] == f"{owner} 0.1.0"


def test_others_are_not_touched_by_a_clash(environment: dict[str, str]) -> None:
    done = pluglm(environment, "check", "optimizer=everything_optimizer", "preprocessor=[everything_preprocessor]")
    assert done.returncode == 0, done.stderr
