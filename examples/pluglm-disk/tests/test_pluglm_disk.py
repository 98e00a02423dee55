"""Sizes by hand."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest
from pluglm_disk.disk import megabytes, run
from pluglm_disk.runs import runs_below, size

from pluglm import Arguments, ConfigError


def make_run(folder: Path, finished: bool, checkpoint: int) -> None:
    """A run folder of 1000 bytes besides its checkpoint."""
    (folder / "checkpoints" / "step-00000010").mkdir(parents=True)
    (folder / "checkpoints" / "step-00000010" / "weights.safetensors").write_bytes(bytes(checkpoint))
    (folder / "config.yaml").write_bytes(bytes(600))
    (folder / "manifest.json").write_bytes(bytes(300 if finished else 400))
    if finished:
        (folder / "results.json").write_bytes(bytes(100))


@pytest.fixture
def outputs(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.chdir(tmp_path)
    make_run(tmp_path / "outputs" / "a", finished=True, checkpoint=2_000_000)
    make_run(tmp_path / "outputs" / "b", finished=False, checkpoint=5_000_000)
    make_run(tmp_path / "multirun" / "sweep" / "0-c", finished=True, checkpoint=1000)
    (tmp_path / "outputs" / "notes").mkdir()
    (tmp_path / "outputs" / "notes" / "config.yaml").write_text("no run")
    return tmp_path / "outputs"


def test_checkpoints_of_finished_runs_could_be_removed(outputs: Path) -> None:
    found = {run.folder.name: (run.status, run.bytes, run.removable) for run in runs_below(outputs)}
    assert found == {"a": ("finished", 2_001_000, 2_000_000), "b": ("not finished", 5_001_000, 0)}


def test_links_are_not_followed(outputs: Path) -> None:
    os.symlink(outputs, outputs / "a" / "again")
    assert size(outputs / "a") < 2_002_000


def test_the_largest_comes_first(outputs: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert run(Arguments()) == 0
    lines = capsys.readouterr().out.splitlines()
    assert [line.split()[-1] for line in lines[1:-1]] == ["outputs/b", "outputs/a", "multirun/sweep/0-c"]
    assert lines[-1].split() == ["7.0", "MB", "2.0", "MB", "3", "runs"]


def test_small_ones_are_left_out(outputs: Path, capsys: pytest.CaptureFixture[str]) -> None:
    run(Arguments({"json": "", "at-least": "2"}, ["outputs", "multirun", "outputs/a"]))
    assert [row["bytes"] for row in json.loads(capsys.readouterr().out)] == [5_001_000, 2_001_000]


def test_a_folder_that_is_not_there(outputs: Path) -> None:
    with pytest.raises(ConfigError, match="disk=no/such: is not a folder"):
        run(Arguments(words=["no/such"]))


def test_a_megabyte_is_a_million_bytes() -> None:
    assert megabytes(2_500_000).strip() == "2.5 MB"


def test_conformance(tmp_path: Path) -> None:
    command = [sys.executable, "-m", "pluglm.testing", "--pluglm-plugin", "pluglm-disk"]
    done = subprocess.run(command, cwd=tmp_path, capture_output=True, text=True)
    assert done.returncode == 0, done.stdout + done.stderr
