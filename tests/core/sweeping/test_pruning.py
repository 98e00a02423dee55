"""Members that end early."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
from small_sweeps import SWEEP, record, statuses

from pluglm.config.compose import compose
from pluglm.config.sweep_settings import PruningSettings
from pluglm.sweeping.pruning import hopeless, pruner, read_reports
from pluglm.sweeping.sweep import sweep

pytest.importorskip("optuna")


def halving(reports: list[tuple[str, int, float]], least: int, factor: int) -> list[bool]:
    """Asynchronous successive halving by hand, after algorithm 2 of Li et al. 2018: at rung k, reached at step
    least * factor^k, one goes on that is among the best 1 / factor of those that reached it (at least the best)."""
    rungs: dict[int, list[float]] = {}
    reached: dict[str, int] = {}
    found = []
    for member, step, loss in reports:
        ends = False
        while not ends and step >= least * factor ** reached.get(member, 0):
            rung = reached.get(member, 0)
            reached[member] = rung + 1
            values = rungs.setdefault(rung, [])
            values.append(loss)
            ends = loss > sorted(values)[max(len(values) // factor, 1) - 1]
        found.append(ends)
    return found


def test_it_is_successive_halving() -> None:
    losses = {"a": 5.0, "b": 4.0, "c": 6.0, "d": 3.0, "e": 4.5, "f": 3.5, "g": 2.0}
    order = [(m, step, loss - step / 100) for step in (10, 20, 40) for m, loss in losses.items()]
    settings = PruningSettings(enabled=True, min_steps=10, reduction_factor=2)
    ended: set[str] = set()
    told, reports = [], []
    for member, step, loss in order:
        if member not in ended:
            reports.append((member, step, loss))
            lines = [{"member": m, "step": s, "loss": value} for m, s, value in reports]
            told.append(hopeless(lines, settings))
            ended |= {member} if told[-1] else set()
    assert told == halving(reports, 10, 2)
    assert "g" not in ended and {"c", "e"} <= ended


def test_a_report_is_told_once_and_answered_the_same_again(tmp_path: Path) -> None:
    words = ["sweep.pruning.enabled=true", "sweep.pruning.min_steps=4", "sweep.pruning.reduction_factor=2"]
    config = compose([*SWEEP, *words])
    assert pruner(config, tmp_path / "a") is None, "a run of its own has nobody to be compared with"
    (tmp_path / ".locks").mkdir()
    (tmp_path / "sweep.json").write_text("{}")
    first, second = (pruner(config, tmp_path / name) for name in "ab")
    assert first is not None and second is not None
    assert first(4, {"loss": 3.0}) is None
    reason = second(4, {"loss": 3.5})
    assert reason == "pruned at step 4: its validation loss of 3.5 is not among the best there"
    # A killed process leaves half a line; whoever resumes asks once more.
    with (tmp_path / "reports.jsonl").open("a") as file:
        file.write('{"member": "b", "st')
    assert second(4, {"loss": 3.5}) == reason and first(8, {"loss": 2.0}) is None
    assert [(r["member"], r["step"]) for r in read_reports(tmp_path / "reports.jsonl")] == [
        ("a", 4),
        ("b", 4),
        ("a", 8),
    ]


def test_a_hopeless_member_is_finished_early_also_of_two_processes(capsys: pytest.CaptureFixture[str]) -> None:
    words = ["optimizer=sgd", "optimizer.lr=0.3,1e-6", "parallelism=data", "parallelism.processes=2", "sweep.folder=s"]
    words += ["sweep.pruning.enabled=true", "sweep.pruning.min_steps=4", "sweep.pruning.reduction_factor=2"]
    assert sweep([*SWEEP, *words], quiet=True) == 0
    assert statuses(Path("s")) == ["finished", "pruned"]
    name = record(Path("s"))["members"][1]["folder"]
    results = json.loads(Path("s", name, "results.json").read_text())
    assert results["steps_done"] == 4 and results["stopped"].startswith("pruned at step 4: ")
    assert "1 finished, 1 pruned" in capsys.readouterr().out
    started = json.loads(Path("s", name, "member.json").read_text())["started"]
    assert sweep([*SWEEP, *words], quiet=True) == 0
    assert json.loads(Path("s", name, "member.json").read_text())["started"] == started
