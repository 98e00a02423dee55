"""A generated package of all families passes the conformance kit as it is."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

from pluglm.cli.new_plugin import write
from pluglm.families import FAMILIES


def test_every_familys_template_conforms(tmp_path: Path) -> None:
    folder = write("everything", list(FAMILIES), tmp_path)
    # What pip would write beside the package, so that its entry point is found without an installation.
    info = folder / "src" / "pluglm_everything-0.1.0.dist-info"
    info.mkdir()
    (info / "METADATA").write_text("Metadata-Version: 2.1\nName: pluglm-everything\nVersion: 0.1.0\n")
    (info / "entry_points.txt").write_text("[pluglm]\neverything = pluglm_everything\n")
    environment = dict(os.environ, PYTHONPATH=str(folder / "src"))
    words = [sys.executable, "-m", "pluglm.testing", "--pluglm-plugin", "pluglm-everything", "-q", "-rs"]
    done = subprocess.run(words, cwd=tmp_path, env=environment, capture_output=True, text=True)
    assert done.returncode == 0, done.stdout + done.stderr
    for family in FAMILIES:
        assert f"{family}=everything_{family}" not in done.stdout, "a test of it was skipped"
    rules = ["--isolated", "--no-cache", "--line-length", "120"]
    for check in (["check", "--select", "E,F,I,UP,B"], ["format", "--check"]):
        command = [sys.executable, "-m", "ruff", *check, *rules, "."]
        done = subprocess.run(command, cwd=folder, capture_output=True, text=True)
        assert done.returncode == 0, done.stdout
