"""Trackers."""

from __future__ import annotations

import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import pytest

from pluglm import CheckpointWritten, MetricsLogged, RunEnded, RunStarted, Tracker, Tracking
from pluglm.config.compose import compose
from pluglm.lifecycle.run import run
from pluglm.lifecycle.tracking import NOTES, Trackers
from pluglm.testing.runs import SMALL, words_for

SCORE = {"evaluator": "kit", "name": "score", "value": 0.25}
RESULTS = {"steps_done": 3, "evaluations": [{"stage": "trained", "scores": [SCORE], "latency_ms": 1.5}]}
SECRETS = ("password", "api_key", "apikey", "secret", "token")


@pytest.fixture
def started(kind: type[Tracker], values: dict[str, Any], with_samples: None, tmp_path: Path) -> RunStarted:
    """A run that nobody was told of, a member of a sweep."""
    folder = tmp_path / "run"
    folder.mkdir()
    config = compose([*words_for(kind, values), f"output.dir={tmp_path}"])
    return RunStarted(folder, config.resolved, "kit")


def add_line(folder: Path, step: int) -> MetricsLogged:
    """A line of metrics.jsonl, as training writes it."""
    line = {"kind": "train", "step": step, "loss": 1 / step, "grad_norm": float("inf")}
    with (folder / "metrics.jsonl").open("a", encoding="utf-8") as file:
        file.write(json.dumps(line) + "\n")
    return MetricsLogged(folder, step, line)


@pytest.mark.family("tracker")
def test_tracker_goes_on_with_a_run(technique: Tracker, started: RunStarted, untouched_randomness: None) -> None:
    folder, failures = started.folder, []
    names = []
    for steps, ending in (
        ((1, 2), RunEnded(folder, KeyboardInterrupt())),
        ((3,), RunEnded(folder, ValueError("it diverged"))),
        ((), RunEnded(folder, None, RESULTS)),
    ):
        trackers = Trackers(folder, {"it": technique}, lambda path, error: failures.append(error))
        trackers.start(started)
        for step in steps:
            trackers.log(add_line(folder, step))
            trackers.checkpoint(CheckpointWritten(folder, step, folder / "checkpoints" / f"step-{step:08}"))
        trackers.end(ending)
        names.append(json.loads((folder / NOTES).read_text(encoding="utf-8"))["it"]["run"])
    assert not failures, failures
    assert names[0] == names[1] == names[2], "where it goes on, it is another run at the service"
    found = [word for word in SECRETS if word in json.dumps(names).lower()]
    assert not found, "what is remembered is written down, and secrets come from the environment"


@pytest.mark.family("tracker")
def test_tracked_run_is_the_same_run(
    kind: type[Tracker],
    values: dict[str, Any],
    whole_run: None,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    told: list[Mapping[str, Any]] = []
    original = kind.open

    def opened(self: Tracker, event: RunStarted, remembered: Mapping[str, str]) -> Tracking:
        tracking = original(self, event, remembered)
        log = tracking.log

        def logged(event: MetricsLogged) -> None:
            log(event)
            told.append(event.metrics)

        monkeypatch.setattr(tracking, "log", logged)
        return tracking

    monkeypatch.setattr(kind, "open", opened)
    words = [*words_for(kind, values), *SMALL, f"output.dir={tmp_path}"]
    tracked, alone = tmp_path / "tracked", tmp_path / "alone"
    run(compose(words), tracked, quiet=True)
    run(compose([word for word in words if not word.startswith("tracker.")] + ["tracker=[]"]), alone, quiet=True)
    errors = tracked / "observer_errors.txt"
    assert not errors.exists(), errors.read_text(encoding="utf-8")
    lines = [json.loads(line) for line in (tracked / "metrics.jsonl").read_text(encoding="utf-8").splitlines()]
    assert told == lines, "it was not told what was logged"
    weights = "model/model.safetensors"
    assert (tracked / weights).read_bytes() == (alone / weights).read_bytes(), "tracked, it ends with other weights"
