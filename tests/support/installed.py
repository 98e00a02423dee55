"""Example packages beside pluglm without a virtual environment: on the path, with what pip would write beside them."""

from __future__ import annotations

import os
import subprocess
import sys
import tomllib
from pathlib import Path

EXAMPLES = Path(__file__).parents[2] / "examples"


def installed(folder: Path, *names: str) -> dict[str, str]:
    """The environment in which the examples of these names are installed; `folder` holds what says so."""
    path = [str(folder)]
    for name in names:
        project = tomllib.loads((EXAMPLES / name / "pyproject.toml").read_text(encoding="utf-8"))["project"]
        path.append(str(EXAMPLES / name / "src"))
        info = folder / f"{name.replace('-', '_')}-{project['version']}.dist-info"
        info.mkdir()
        (info / "METADATA").write_text(f"Metadata-Version: 2.1\nName: {name}\nVersion: {project['version']}\n")
        entries = (f"{key} = {value}\n" for key, value in project["entry-points"]["pluglm"].items())
        (info / "entry_points.txt").write_text("[pluglm]\n" + "".join(entries))
    return dict(os.environ, PYTHONPATH=os.pathsep.join(path), OMP_NUM_THREADS="1")


def command(words: list[str], environment: dict[str, str], folder: Path) -> subprocess.CompletedProcess[str]:
    """A Python module with its words, run in `folder`."""
    return subprocess.run([sys.executable, "-m", *words], cwd=folder, env=environment, capture_output=True, text=True)
