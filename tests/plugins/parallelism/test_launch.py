"""Starting a run in several processes, in three ways; processes that die; numbers of processes that do not fit."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import time
from pathlib import Path
from typing import Any

import psutil
import pytest
from sessions import WORDS, lines

from pluglm.config.compose import compose
from pluglm.errors import ConfigError
from pluglm.training.distribution import check_world_size, launched_processes

RUN = [
    *WORDS,
    "objective=clm",
    "evaluator=[]",
    "parallelism=data",
    "regularizer=[dropout]",
    "train.steps=60",
    "train.gradient_accumulation=1",
    "train.eval_every=0",
    "train.save_every=6",
    "train.log_every=5",
]
PLUGLM = ["-m", "pluglm", "train"]
TORCHRUN = ["-m", "torch.distributed.run", "--standalone", "--nproc-per-node=2"]
ACCELERATE = ["-m", "accelerate.commands.accelerate_cli", "launch", "--num_processes=2", "--num_machines=1"]
ACCELERATE += ["--mixed_precision=no", "--dynamo_backend=no"]


def start(*words: str, **environment: str) -> subprocess.Popen[str]:
    command = [sys.executable, *words]
    return subprocess.Popen(
        command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True, env=os.environ | environment
    )


def finished(*words: str) -> str:
    process = start(*words)
    said, error = process.communicate()
    assert process.returncode == 0, error[-3000:]
    return said


def wait_for_checkpoint(process: subprocess.Popen[str], home: Path) -> None:
    until = time.monotonic() + 300
    while not [path for path in home.rglob("checkpoints/step-*") if path.suffix != ".tmp"]:
        assert process.poll() is None and time.monotonic() < until, process.communicate()
        time.sleep(0.02)


def kill_rank(process: subprocess.Popen[str], rank: int, home: Path) -> None:
    """SIGKILL, as soon as there is a checkpoint to go back to."""
    wait_for_checkpoint(process, home)
    for child in psutil.Process(process.pid).children(recursive=True):
        # Processes that help it have its environment too.
        if child.environ().get("RANK") == str(rank) and "pluglm" in child.cmdline():
            child.send_signal(signal.SIGKILL)
            return
    raise AssertionError(f"no process of rank {rank}")


def result(folder: Path) -> tuple[bytes, list[dict[str, Any]]]:
    """The bytes of the model, and what was logged but for what a clock says."""
    logged = [
        {name: value for name, value in line.items() if name not in ("seconds", "tokens_per_second")}
        for line in lines(folder, "train")
    ]
    return (folder / "model" / "model.safetensors").read_bytes(), logged


@pytest.fixture(scope="module")
def whole(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A run that started its own processes, and that nothing happened to."""
    folder = tmp_path_factory.mktemp("whole") / "run"
    finished(*PLUGLM, *RUN, "launch.processes=2", f"output.folder={folder}", "--quiet")
    assert lines(folder, "train")[-1]["step"] == 60
    return folder


@pytest.mark.exhaustive
def test_accelerate_launch(whole: Path, tmp_path: Path) -> None:
    finished(*ACCELERATE, "--multi_gpu", "--main_process_port=0", *PLUGLM, *RUN, f"output.folder={tmp_path / 'run'}")
    assert result(tmp_path / "run") == result(whole)


def test_all_are_started_again_after_one_died(whole: Path, tmp_path: Path) -> None:
    process = start(*PLUGLM, *RUN, "launch.processes=2", "launch.restarts=1", f"output.folder={tmp_path / 'run'}")
    kill_rank(process, 1, tmp_path)
    said, error = process.communicate()
    assert process.returncode == 0, error[-3000:]
    assert "A process had died: all were started again (1)" in said and "Going on after step" in said
    assert result(tmp_path / "run") == result(whole)


@pytest.mark.exhaustive
def test_torchrun_starts_them_again_in_the_same_folder(whole: Path, tmp_path: Path) -> None:
    process = start(*TORCHRUN, "--max-restarts=1", *PLUGLM, *RUN, f"output.dir={tmp_path / 'out'}")
    kill_rank(process, 0, tmp_path)
    said, error = process.communicate()
    assert process.returncode == 0, error[-3000:]
    (folder,) = (path.parent for path in (tmp_path / "out").rglob("config.yaml"))
    assert "all were started again (1)" in said and "Going on after step" in said
    assert result(folder) == result(whole)


@pytest.mark.exhaustive
def test_one_that_is_killed_ends_the_run(tmp_path: Path) -> None:
    process = start(*PLUGLM, *RUN, "train.steps=100000", "launch.processes=2", f"output.folder={tmp_path / 'run'}")
    kill_rank(process, 1, tmp_path)
    began = time.monotonic()
    _, error = process.communicate()
    assert time.monotonic() - began < 30
    assert process.returncode == 1
    assert error == f"pluglm: rank 1 was ended by SIGKILL; go on with: pluglm resume {tmp_path / 'run'}\n"


@pytest.mark.exhaustive
def test_asked_to_stop(whole: Path, tmp_path: Path) -> None:
    process = start(*PLUGLM, *RUN, "launch.processes=2", f"output.folder={tmp_path / 'run'}")
    wait_for_checkpoint(process, tmp_path)
    process.terminate()
    _, error = process.communicate()
    assert process.returncode == 75
    assert error == f"pluglm: stopped by SIGTERM; go on with: pluglm resume {tmp_path / 'run'}\n"
    finished("-m", "pluglm", "resume", str(tmp_path / "run"))
    assert result(tmp_path / "run") == result(whole)


FAILING = """
import os
if os.environ.get("RANK") == "1":
    from pluglm.training import loop
    def fail(loop, *rest):
        if loop.progress.step == 7:
            raise ValueError("the disk is made of cheese")
    loop._check_loss = fail
"""


def test_one_that_fails_ends_the_run_with_its_error(tmp_path: Path) -> None:
    (tmp_path / "sitecustomize.py").write_text(FAILING)
    words = [*PLUGLM, *RUN, "train.steps=100000", "launch.processes=2", f"output.folder={tmp_path / 'run'}"]
    process = start(*words, PYTHONPATH=str(tmp_path))
    _, error = process.communicate()
    assert process.returncode == 1
    assert error.startswith("pluglm: rank 1: ValueError: the disk is made of cheese; see ")
    assert error.count("\n") == 1
    failed = time.time() - (tmp_path / "run" / "failures" / "start-0-rank-1.txt").stat().st_mtime
    assert failed < 30


def test_accelerate_that_starts_one_process_instead_of_two(tmp_path: Path) -> None:
    process = start(*ACCELERATE, "--cpu", *PLUGLM, *RUN, f"output.folder={tmp_path / 'run'}")
    _, error = process.communicate()
    assert process.returncode != 0 and not (tmp_path / "run").exists()
    assert "parallelism=data: asks for 2 processes, and the launcher started 1; start 2: accelerate launch" in error


@pytest.mark.parametrize(
    ("size", "words", "reason"),
    [
        ("2", ["parallelism=single"], "parallelism=single: asks for 1 process, and the launcher started 2"),
        ("1", ["parallelism=data"], "parallelism=data: asks for 2 processes, and the launcher started 1"),
        ("3", ["parallelism=hybrid"], "parallelism=hybrid: asks for 4 processes, and the launcher started 3"),
    ],
)
def test_another_number_of_processes(size: str, words: list[str], reason: str, monkeypatch: pytest.MonkeyPatch) -> None:
    config = compose(["train.batch_size=8", *words])
    monkeypatch.setenv("WORLD_SIZE", size)
    with pytest.raises(ConfigError) as found:
        check_world_size(config)
    assert str(found.value).startswith(reason) and "torchrun --nproc-per-node" in str(found.value)


def test_launchers_are_seen(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("WORLD_SIZE", "ACCELERATE_MIXED_PRECISION"):
        monkeypatch.delenv(name, raising=False)
    assert launched_processes() is None
    monkeypatch.setenv("ACCELERATE_MIXED_PRECISION", "no")
    assert launched_processes() == 1
    monkeypatch.setenv("WORLD_SIZE", "4")
    assert launched_processes() == 4


@pytest.mark.parametrize(
    ("words", "message"),
    [
        (
            ["launch.processes=2"],
            "launch.processes=2: parallelism=single runs in 1 process; write parallelism=data parallelism.processes=2",
        ),
        (
            ["launch.processes=4", "parallelism=tensor"],
            "launch.processes=4: parallelism=tensor runs in 2 processes; write parallelism.processes=4",
        ),
        (["launch.restarts=2"], "launch.restarts=2: is for runs of several processes; leave it at 0"),
    ],
)
def test_settings_that_do_not_fit(words: list[str], message: str) -> None:
    with pytest.raises(ConfigError) as found:
        compose(words)
    assert message in str(found.value)


def test_what_is_launched_is_part_of_the_config() -> None:
    config = compose(["parallelism=data", "launch.processes=2", "launch.restarts=3"])
    assert json.loads(json.dumps(config.resolved["launch"])) == {"processes": 2, "restarts": 3}
