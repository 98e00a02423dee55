"""Sweeps that run, in this process: what is done once, what is not done again, and what becomes of failures."""

from __future__ import annotations

import json
import re
from pathlib import Path

import pytest
from filelock import FileLock
from small_sweeps import SWEEP, record, statuses

from pluglm.errors import ConfigError
from pluglm.sweeping.sweep import sweep


def run(*words: str, dry_run: bool = False, quiet: bool = True) -> int:
    return sweep([*SWEEP, *words], quiet=quiet, dry_run=dry_run)


def test_a_dry_run_shows_all_members_and_writes_nothing(capsys: pytest.CaptureFixture[str]) -> None:
    assert run("optimizer=adamw,sgd", "optimizer.momentum=0,0.9", "sweep.skip_invalid=true", dry_run=True) == 0
    shown = capsys.readouterr().out
    assert "2 of 4 members, 2 left out that cannot run" in shown
    lines = [line for line in shown.splitlines() if re.match(r"\s*(\d\d\d |together)", line.strip())]
    assert len(lines) == 3 and "002" in lines[0] and "003" in lines[1]
    # Tokens of the members and of both together, before any data was read.
    assert all(" 512 " in line for line in lines[:2]) and "1,024" in lines[2]
    assert not Path("outputs").exists()


def test_members_share_what_is_prepared_and_are_not_repeated(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    cache = tmp_path / "cache"
    monkeypatch.setenv("PLUGLM_CACHE", str(cache))
    words = ["tokenizer=bpe", "tokenizer.vocab_size=300", "optimizer=adamw,sgd"]
    assert run(*words) == 0
    (folder,) = (tmp_path / "outputs" / "sweeps").iterdir()
    assert statuses(folder) == ["finished"] * 2
    names = [member["folder"] for member in record(folder)["members"]]
    assert names == ["000-adamw", "001-sgd"]
    # One corpus, one tokenizer with one set of examples, for both members.
    for kind in ("corpora", "examples"):
        assert len([path for path in (cache / kind).iterdir() if path.is_dir()]) == 1, kind
    logs = [(folder / name / "log.txt").read_text() for name in names]
    assert ["Tokenizing train" in log for log in logs] == [True, False]
    for name in ("comparison.html", "comparison.csv", "comparison.json"):
        assert (folder / name).is_file()
    before = {name: (folder / name / "results.json").stat().st_mtime_ns for name in names}
    # The same line finds its sweep, whatever it says about how it is run; another line has another.
    capsys.readouterr()
    assert run(*words, "sweep.fail_fast=true", quiet=False) == 0
    assert before == {name: (folder / name / "results.json").stat().st_mtime_ns for name in names}
    assert "started" not in capsys.readouterr().out
    assert run("optimizer=sgd", "seed=3") == 0
    assert len(list((tmp_path / "outputs" / "sweeps").iterdir())) == 2


def test_a_folder_can_be_given_and_grows(tmp_path: Path) -> None:
    assert run("seed=0,1", "sweep.folder=mine") == 0
    before = (tmp_path / "mine" / "001-seed_1" / "results.json").stat().st_mtime_ns
    assert run("seed=0,1,2", "sweep.folder=mine") == 0
    assert [member["folder"] for member in record(tmp_path / "mine")["members"]] == [
        "000-seed_0",
        "001-seed_1",
        "002-seed_2",
    ]
    assert (tmp_path / "mine" / "001-seed_1" / "results.json").stat().st_mtime_ns == before


def test_a_member_that_fails_does_not_end_the_others(capsys: pytest.CaptureFixture[str]) -> None:
    words = ["optimizer=sgd", "optimizer.lr=1e30,0.1", "optimizer.momentum=0", "train.max_grad_norm=null"]
    assert run(*words, "sweep.folder=s") == 1
    assert statuses(Path("s")) == ["failed", "finished"]
    printed = capsys.readouterr()
    assert "2 members: 1 finished, 1 failed" in printed.out
    (told,) = [line for line in printed.err.splitlines() if line.startswith("pluglm: failed: 000 optimizer.lr=1e+30: ")]
    assert "at step 2" in told and "000-lr_1e+30/log.txt" in told
    reason = record(Path("s"))["members"][0]["reason"]
    assert reason and "\n" not in reason and reason in told
    # Failed ones are tried again, finished ones are not.
    started = json.loads(Path("s/000-lr_1e+30/member.json").read_text())["started"]
    done = json.loads(Path("s/001-lr_0.1/member.json").read_text())["started"]
    assert run(*words, "sweep.folder=s") == 1
    assert json.loads(Path("s/000-lr_1e+30/member.json").read_text())["started"] > started
    assert json.loads(Path("s/001-lr_0.1/member.json").read_text())["started"] == done
    # Or the first failure ends all.
    assert run(*words, "sweep.folder=t", "sweep.fail_fast=true") == 1
    assert statuses(Path("t")) == ["failed", "waiting"]
    assert "the sweep ended at the first failure" in capsys.readouterr().err


def test_what_cannot_run_is_left_out_and_said_at_the_end(capsys: pytest.CaptureFixture[str]) -> None:
    words = ["optimizer=adamw,sgd", "optimizer.momentum=0.9", "sweep.skip_invalid=true", "sweep.folder=s"]
    assert run(*words) == 0
    first, second = record(Path("s"))["members"]
    assert (first["status"], first["folder"]) == ("invalid", None) and second["status"] == "finished"
    assert "momentum is a parameter of" in first["reason"]
    assert "left out: 000 optimizer=adamw: optimizer.momentum=0.9: " in capsys.readouterr().out


def test_one_sweep_at_a_time_in_a_folder() -> None:
    Path("s/.locks").mkdir(parents=True)
    with FileLock("s/.locks/sweep"), pytest.raises(ConfigError, match="this sweep is being run by another process"):
        run("seed=0,1", "sweep.folder=s")
    assert not Path("s/sweep.json").exists()
