"""The example plugin, built and installed as a stranger would, in an environment of its own."""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import sys
import sysconfig
import venv
from dataclasses import dataclass
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
EXAMPLE = ROOT / "examples" / "pluglm-signum"


@dataclass
class Environment:
    """A fresh environment; `home` is where commands run."""

    bin: Path
    home: Path

    def run(self, *words: str) -> subprocess.CompletedProcess[str]:
        """Run a program of this environment."""
        program = self.bin / words[0]
        clean = {name: value for name, value in os.environ.items() if name not in ("PYTHONPATH", "VIRTUAL_ENV")}
        clean |= {"PLUGLM_CACHE": str(self.home / "cache"), "OMP_NUM_THREADS": "1"}
        return subprocess.run([program, *words[1:]], cwd=self.home, env=clean, capture_output=True, text=True)


@pytest.fixture(scope="module")
def environment(tmp_path_factory: pytest.TempPathFactory) -> Environment:
    home = tmp_path_factory.mktemp("signum")
    build = [sys.executable, "-m", "pip", "wheel", "--quiet", "--no-deps", "--no-build-isolation", "--no-index"]
    for source in (ROOT, EXAMPLE):
        copy = home / "source" / source.name
        # A build writes beside the sources; the checkout stays as it is.
        names = [".git", ".venv", "*.egg-info", "build", "outputs", "__pycache__"]
        shutil.copytree(source, copy, ignore=shutil.ignore_patterns(*names))
        subprocess.run([*build, "--wheel-dir", str(home / "wheels"), str(copy)], check=True)
    wheels = sorted(map(str, (home / "wheels").glob("*.whl")))
    assert len(wheels) == 2
    venv.create(home / "venv", with_pip=False)
    packages = Path(sysconfig.get_path("purelib", vars={"base": str(home / "venv")}))
    install = [sys.executable, "-m", "pip", "install", "--quiet", "--no-deps", "--no-index", "--target", str(packages)]
    subprocess.run([*install, *wheels], check=True)
    # Dependencies come from the environment of this test, after the wheels. Adding the folder as a plain path leaves
    # its .pth files unread, and with them the editable installation of pluglm.
    (packages / "dependencies.pth").write_text(f"{sysconfig.get_path('purelib')}\n")
    for name, code in {"pluglm": "from pluglm.cli import main; main()"}.items():
        script = home / "venv" / "bin" / name
        script.write_text(f"#!{home / 'venv' / 'bin' / 'python'}\n{code}\n")
        script.chmod(0o755)
    (home / "work").mkdir()
    return Environment(home / "venv" / "bin", home / "work")


def test_it_is_the_wheel_that_runs(environment: Environment) -> None:
    code = "import pluglm, pluglm_signum; print(pluglm.__file__); print(pluglm_signum.__file__)"
    done = environment.run("python", "-c", code)
    assert done.returncode == 0, done.stderr
    assert all(str(environment.bin.parent) in line for line in done.stdout.splitlines()), done.stdout


def test_its_techniques_are_found(environment: Environment) -> None:
    listed = environment.run("pluglm", "list", "--json")
    rows = {(row["family"], row["name"]): row["distribution"] for row in json.loads(listed.stdout)}
    assert rows["optimizer", "signum"] == rows["preprocessor", "strip_comments"] == "pluglm-signum"
    assert set(rows.values()) == {"pluglm", "pluglm-signum"}
    plugins = json.loads(environment.run("pluglm", "plugins", "--json").stdout)
    mine = next(plugin for plugin in plugins if plugin["name"] == "signum")
    assert mine["version"] == "0.1.0" and mine["error"] is None
    assert mine["techniques"] == ["preprocessor=strip_comments", "optimizer=signum"]


def test_its_help_is_shown(environment: Environment) -> None:
    shown = environment.run("pluglm", "show", "optimizer=signum").stdout
    assert "beta: float = 0.9 (>= 0, < 1)" in shown and "1802.04434" in shown
    assert "pluglm-signum 0.1.0" in shown and "signum.py" in shown
    families = environment.run("pluglm", "train", "--help").stdout
    assert any(line.split()[0] == "optimizer" and "signum" in line for line in families.splitlines() if line.strip())


def test_it_completes(environment: Environment) -> None:
    assert environment.run("pluglm", "complete", "pluglm train optimizer=si").stdout.split() == ["optimizer=signum"]
    found = environment.run("pluglm", "complete", "pluglm train optimizer=signum optimizer.bet").stdout.split()
    assert found == ["optimizer.beta="]


def test_it_is_chosen_and_validated_like_a_built_in(environment: Environment) -> None:
    good = environment.run("pluglm", "check", "optimizer=signum", "optimizer.beta=0.95", "--json")
    assert good.returncode == 0, good.stderr
    assert json.loads(good.stdout)["optimizer"]["beta"] == 0.95
    bad = environment.run("pluglm", "check", "optimizer=signum", "optimizer.betas=1", "optimizer.lr=-1")
    assert bad.returncode == 2 and "Traceback" not in bad.stderr
    assert "optimizer.betas" in bad.stderr and "optimizer.lr" in bad.stderr
    near = environment.run("pluglm", "check", "optimizer=signun")
    assert near.returncode == 2 and "'signum'" in near.stderr


def test_its_own_tests_pass(environment: Environment) -> None:
    """They hold the conformance kit, with a short run for each technique."""
    tests = str(EXAMPLE / "tests")
    done = environment.run("python", "-m", "pytest", "-q", "-p", "no:cacheprovider", "--rootdir", tests, tests)
    assert done.returncode == 0, done.stdout + done.stderr
