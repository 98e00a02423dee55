"""Sweeps that end before their time, and the same line again."""

from __future__ import annotations

import json
import os
import signal
from pathlib import Path

from small_sweeps import record, start, statuses, sweep, until

LONG = ["train.steps=200", "train.save_every=20", "optimizer=adamw,sgd", "sweep.folder=s"]


def has_checkpoint(member: str) -> bool:
    return bool(list(Path("s", member, "checkpoints").glob("step-*[0-9]")))


def test_killed_members_and_a_killed_sweep_go_on_with_the_same_line() -> None:
    process = start(*LONG)
    until(lambda: has_checkpoint("000-adamw"))
    # A member whose process dies is one failed member.
    os.kill(json.loads(Path("s/000-adamw/member.json").read_text())["process"], signal.SIGKILL)
    until(lambda: has_checkpoint("001-sgd"))
    assert statuses(Path("s"))[0] == "failed"
    assert record(Path("s"))["members"][0]["reason"] == "its process was ended by SIGKILL (out of memory?)"
    process.kill()
    process.communicate()
    code, out, said = sweep(*LONG)
    assert code == 0, said
    assert statuses(Path("s")) == ["finished", "finished"] and "2 members: 2 finished" in out
    for member in ("000-adamw", "001-sgd"):
        assert "Going on after step" in Path("s", member, "log.txt").read_text()
        assert json.loads(Path("s", member, "results.json").read_text())["steps_done"] == 200


def test_a_sweep_that_is_asked_to_stop_ends_as_a_whole() -> None:
    process = start("train.steps=4000", *LONG[1:])
    until(lambda: has_checkpoint("000-adamw"))
    process.send_signal(signal.SIGTERM)
    _, said = process.communicate(timeout=120)
    assert process.returncode == 75, said
    assert "stopped by SIGTERM; 0 of 2 members are finished; go on with the same line: pluglm train -m " in said
    assert "Traceback" not in said
    assert statuses(Path("s")) == ["stopped", "waiting"]
    steps = [json.loads(line)["step"] for line in Path("s/000-adamw/metrics.jsonl").read_text().splitlines()]
    newest = max(int(path.name.split("-")[1]) for path in Path("s/000-adamw/checkpoints").glob("step-*[0-9]"))
    assert newest + 10 > max(steps), "a checkpoint was written when it was asked to stop"
