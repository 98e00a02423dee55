"""A plugin's verb is there as soon as pip has installed the plugin to be edited, and follows its source."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
import sysconfig
import venv
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]


class Environment:
    """A virtual environment that has what this one has, and a copy of the example."""

    def __init__(self, home: Path) -> None:
        self.home, self.copy, self.work = home, home / "pluglm-disk", home / "work"
        self.work.mkdir()
        ignored = shutil.ignore_patterns("*.egg-info", "build", "__pycache__")
        shutil.copytree(ROOT / "examples" / "pluglm-disk", self.copy, ignore=ignored)
        venv.create(home / "venv", with_pip=False)
        self.packages = Path(sysconfig.get_path("purelib", vars={"base": str(home / "venv")}))
        # With its .pth files, and so with the editable installation of pluglm.
        code = f"import site; site.addsitedir({sysconfig.get_path('purelib')!r})"
        (self.packages / "dependencies.pth").write_text(f"{code}\n")

    def pip(self, *words: str) -> None:
        """Run pip for this environment."""
        python = str(self.home / "venv" / "bin" / "python")
        command = [sys.executable, "-m", "pip", "--quiet", "--disable-pip-version-check", "--python", python, *words]
        done = subprocess.run(command, cwd=self.home, capture_output=True, text=True)
        assert done.returncode == 0, done.stdout + done.stderr

    def help(self) -> tuple[str, bool]:
        """What `pluglm --help` prints, and whether it read the catalog."""
        code = "import sys; from pluglm.cli import help_text; print(help_text(), 'pluglm.catalog' in sys.modules)"
        clean = {name: value for name, value in os.environ.items() if name not in ("PYTHONPATH", "VIRTUAL_ENV")}
        clean |= {"PLUGLM_CACHE": str(self.home / "cache"), "PYTHONDONTWRITEBYTECODE": "1"}
        python = self.home / "venv" / "bin" / "python"
        done = subprocess.run([python, "-c", code], cwd=self.work, env=clean, capture_output=True, text=True)
        assert done.returncode == 0, done.stderr
        shown, _, read = done.stdout.rstrip().rpartition(" ")
        return shown, read == "True"

    def settle(self) -> None:
        """Make what is new an hour older: what has just changed is not trusted to be final."""
        for path in [self.packages, self.work, *self.copy.rglob("*"), self.copy / "src"]:
            stamp = path.stat().st_mtime_ns - 3_600_000_000_000
            os.utime(path, ns=(stamp, stamp))


def test_it_comes_changes_and_goes(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    environment = Environment(tmp_path)
    environment.settle()
    assert "disk" not in environment.help()[0]
    environment.pip("install", "--no-deps", "--no-build-isolation", "--no-index", "-e", str(environment.copy))
    shown, read = environment.help()
    assert "list run folders and their sizes" in shown and read
    environment.settle()
    environment.help()
    assert environment.help() == (shown, False)
    module = environment.copy / "src" / "pluglm_disk" / "__init__.py"
    module.write_text(module.read_text().replace("list run folders and their sizes", "weigh run folders"))
    assert "weigh run folders" in environment.help()[0]
    environment.settle()
    environment.help()
    assert environment.help()[1] is False
    environment.pip("uninstall", "--yes", "pluglm-disk")
    assert "disk" not in environment.help()[0]
