"""One config and seed, one result: run twice, killed at any moment, stopped politely, on a broken disk."""

from __future__ import annotations

import errno
import json
import shutil
import signal
import subprocess
import time
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import pytest
import small_runs
from selection import matrix
from small_runs import RANDOM, digests, metrics, pluglm, start, train

from pluglm.cli import main
from pluglm.errors import PluglmError
from pluglm.lifecycle.run import run
from pluglm.runs.folder import read_config
from pluglm.training import checkpoint

# Long enough for a signal to arrive before it is over.
LONG = [*RANDOM, "train.steps=60", "train.save_every=7"]


@pytest.fixture(scope="module")
def whole(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A run that nothing happened to."""
    home = tmp_path_factory.mktemp("whole")
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("PLUGLM_CACHE", str(home / "cache"))
        return train(home / "run", *LONG)


def same(one: Path, other: Path) -> None:
    assert digests(one / "model") == digests(other / "model")
    assert metrics(one) == metrics(other)
    ledgers = [json.loads((folder / "ledger.json").read_text()) for folder in (one, other)]
    assert ledgers[0] == ledgers[1]


def at_step(process: subprocess.Popen[str], folder: Path, step: int) -> None:
    """Wait until `step` was logged."""
    until = time.monotonic() + 120
    while time.monotonic() < until and process.poll() is None:
        path = folder / "metrics.jsonl"
        if path.exists():
            lines = path.read_text(encoding="utf-8").splitlines()[:-1]
            if any(json.loads(line)["step"] >= step for line in lines):
                return
        time.sleep(0.005)
    raise AssertionError(f"step {step} was not seen: {process.communicate()}")


def test_two_runs_are_the_same(whole: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PLUGLM_CACHE", str(tmp_path / "cache"))
    again = train(tmp_path / "run", *LONG)
    same(whole, again)
    corpora = [digests(cache / "corpora") for cache in (whole.parent / "cache", tmp_path / "cache")]
    texts = [{n: d for n, d in c.items() if n.endswith((".jsonl", ".zst", ".npy", ".json"))} for c in corpora]
    assert texts[0] and texts[0] == texts[1]


def test_another_seed_is_another_run(whole: Path, tmp_path: Path) -> None:
    other = train(tmp_path / "run", *LONG, "seed=1")
    assert digests(whole / "model")["model.safetensors"] != digests(other / "model")["model.safetensors"]


@pytest.mark.parametrize("step", matrix([2, 44], [44]))
def test_killed_at_any_moment(step: int, whole: Path, tmp_path: Path) -> None:
    process = start(tmp_path / "run", *LONG)
    at_step(process, tmp_path / "run", step)
    process.kill()
    process.communicate()
    assert not (tmp_path / "run" / "model").exists()
    resumed = pluglm("resume", str(tmp_path / "run"))
    assert resumed.returncode == 0, resumed.stderr
    same(whole, tmp_path / "run")


@pytest.mark.parametrize("number", matrix([signal.SIGINT, signal.SIGUSR1], [signal.SIGINT]))
def test_asked_to_stop(number: int, whole: Path, tmp_path: Path) -> None:
    process = start(tmp_path / "run", *LONG)
    at_step(process, tmp_path / "run", 10)
    process.send_signal(number)
    _, said = process.communicate()
    assert process.returncode == 75
    assert f"go on with: pluglm resume {tmp_path / 'run'}" in said and "Traceback" not in said
    run(read_config(tmp_path / "run"), tmp_path / "run", quiet=True, resume=True)
    same(whole, tmp_path / "run")


def broken_off(folder: Path, monkeypatch: pytest.MonkeyPatch, saves: int, words: Sequence[str] = LONG) -> None:
    """A run whose disk is full when checkpoint number `saves` is written."""
    real, count = checkpoint._write, 0

    def write(target: Path, snapshot: Any) -> None:
        nonlocal count
        count += 1
        real(target, snapshot)
        if count == saves:
            raise OSError(errno.ENOSPC, "No space left on device", str(target))

    monkeypatch.setattr(checkpoint, "_write", write)
    with pytest.raises(PluglmError, match=r"No space left on device.*earlier checkpoints are untouched"):
        train(folder, *words)
    monkeypatch.setattr(checkpoint, "_write", real)


def test_full_disk(whole: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    broken_off(tmp_path / "run", monkeypatch, 4)
    assert [path.name for path in sorted((tmp_path / "run" / "checkpoints").iterdir())] == [
        "step-00000014",
        "step-00000021",
    ]
    run(read_config(tmp_path / "run"), tmp_path / "run", quiet=True, resume=True)
    same(whole, tmp_path / "run")


def test_flipped_byte_and_missing_checkpoints(
    whole: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    folder = tmp_path / "run"
    broken_off(folder, monkeypatch, 4)
    newest = folder / "checkpoints" / "step-00000021"
    victim = max(newest.glob("*.safetensors"), key=lambda path: path.stat().st_size)
    data = bytearray(victim.read_bytes())
    data[len(data) // 2] ^= 1
    victim.write_bytes(data)
    kept = tmp_path / "kept"
    shutil.copytree(folder, kept)

    run(read_config(folder), folder, resume=True)
    said = capsys.readouterr().out
    assert "step-00000021" in said and victim.name in said and "Going on after step 14" in said
    same(whole, folder)

    # None at all: from the beginning, and it says so.
    shutil.rmtree(kept / "checkpoints")
    run(read_config(kept), kept, resume=True)
    assert "No checkpoint was written yet: training begins anew" in capsys.readouterr().out
    same(whole, kept)


def test_no_whole_checkpoint_is_not_begun_anew_silently(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    folder = train(tmp_path / "run", "train.save_every=6")
    for path in (folder / "checkpoints").rglob("*.safetensors"):
        path.write_bytes(path.read_bytes()[:-1])
    monkeypatch.setattr("sys.argv", ["pluglm", "resume", str(folder)])
    with pytest.raises(SystemExit) as ended:
        main()
    error = capsys.readouterr().err
    assert ended.value.code == 1
    assert error.count("\n") == 1 and "no checkpoint in" in error and "is whole" in error


def test_a_finished_run_is_left_alone(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    folder = train(tmp_path / "run")
    before = digests(folder / "model")
    run(read_config(folder), folder, quiet=True, resume=True)
    assert digests(folder / "model") == before
    assert small_runs.metrics(folder)[-1]["step"] == 12


TECHNIQUES_THAT_REMEMBER = [
    ["optimizer=muon", "optimizer.layer_decay=0.5", "regularizer=[ema,early_stopping]"],
    ["optimizer=adafactor", "schedule=wsd", "regularizer=[adversarial]", "regularizer.adversarial.method=freelb"],
    ["optimizer=lion", "schedule=inverse_sqrt", "regularizer=[dropout,r_drop,label_smoothing]"],
]


@pytest.mark.parametrize("words", matrix(TECHNIQUES_THAT_REMEMBER, TECHNIQUES_THAT_REMEMBER[:1]))
def test_rates_averages_and_noise_go_on_where_they_were(
    words: list[str], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The disk is full at the sixth step, with a checkpoint of the third: what is done again is done the same."""
    words = [*words, "train.steps=8", "train.threads=1", "data.workers=1"]
    whole = train(tmp_path / "whole", *words)
    broken_off(tmp_path / "run", monkeypatch, saves=2, words=words)
    run(read_config(tmp_path / "run"), tmp_path / "run", quiet=True, resume=True)
    same(whole, tmp_path / "run")
