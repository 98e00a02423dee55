"""A tracker is told every line once, whatever happens to it or to the run, and nothing happens to the run by it."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

import pytest
from small_runs import SMALL, digests, metrics, train

from pluglm import MetricsLogged, RunEnded, RunStarted, Tracker, Tracking, hookimpl
from pluglm.catalog import Plugin, installed_catalog
from pluglm.config.compose import compose
from pluglm.errors import DataError, Interrupted
from pluglm.lifecycle.observers import Observers
from pluglm.lifecycle.run import run
from pluglm.runs.folder import read_config
from pluglm_comparing.comparison import compare

SAID: list[tuple[str, Any]] = []
FAILS: list[str] = []


def attempt(what: str) -> None:
    if what in FAILS:
        raise OSError(f"{what}: the service is away")


class Listening(Tracking):
    def remembered(self) -> Mapping[str, str]:
        return {"id": "seven"}

    def log(self, event: MetricsLogged) -> None:
        SAID.append(("asked", event.step))
        attempt("log")
        SAID.append(("log", (event.metrics["kind"], event.step)))

    def end(self, event: RunEnded) -> None:
        attempt("end")
        SAID.append(("end", event))


class Listener(Tracker):
    """Notes what it is told."""

    name = "kept_by_a_test"

    def open(self, event: RunStarted, remembered: Mapping[str, str]) -> Listening:
        """In lists of the module."""
        attempt("open")
        SAID.append(("open", (event, dict(remembered))))
        return Listening()


class Patient(Listener):
    """Wants to hear it all again."""

    name = "told_again_by_a_test"
    from_the_start = True


class Registration:
    @staticmethod
    @hookimpl
    def register_trackers() -> list[type[Tracker]]:
        return [Listener, Patient]


WORDS = ["tracker=[kept_by_a_test]", "tracker.kept_by_a_test.tags=[a,b]"]


@pytest.fixture(autouse=True)
def _listeners() -> Iterator[None]:
    catalog = installed_catalog()
    if "tests" not in catalog.plugins:
        catalog.add(Plugin("tests", "test_tracking", "pluglm", "0"), Registration())
    assert not catalog.plugins["tests"].error
    SAID.clear()
    FAILS.clear()
    yield


def said(what: str) -> list[Any]:
    return [value for name, value in SAID if name == what]


def logged(folder: Path) -> list[tuple[str, int]]:
    return [(line["kind"], line["step"]) for line in metrics(folder)]


def kill_after(step: int, monkeypatch: pytest.MonkeyPatch) -> None:
    """What a run that is killed leaves: no word to anybody after this line of metrics."""
    call = Observers.__call__

    def dying(self: Observers, hook: str, event: object) -> None:
        if hook == "run_ended":
            return
        call(self, hook, event)
        if isinstance(event, MetricsLogged) and event.step >= step:
            raise KeyboardInterrupt

    monkeypatch.setattr(Observers, "__call__", dying)


@pytest.fixture(scope="module")
def plain(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A run that nobody follows."""
    return train(tmp_path_factory.mktemp("runs") / "plain")


def test_is_told_all_and_changes_nothing(tmp_path: Path, plain: Path) -> None:
    folder = train(tmp_path / "run", *WORDS)
    assert said("log") == logged(folder) and len(said("log")) > 8
    [(started, remembered)] = said("open")
    assert not remembered and started.sweep is None
    assert started.settings["optimizer.name"] == "adamw" and started.settings["train.epochs"] == "null"
    assert started.settings["tracker.kept_by_a_test.tags"] == '["a", "b"]'
    [ended] = said("end")
    assert ended.status == "finished" and ended.scores["trained/parameters"] > 0
    assert metrics(folder) == metrics(plain)
    assert digests(folder / "model") == digests(plain / "model")
    tensors = [{k: v for k, v in digests(f / "checkpoints").items() if k.endswith("tensors")} for f in (folder, plain)]
    assert tensors[0] == tensors[1] and len(tensors[0]) > 5
    assert not (folder / "observer_errors.txt").exists() and not (plain / "trackers.json").exists()
    assert "tracker" not in " ".join(row.key for row in compare([folder, plain]).differences)


@pytest.mark.parametrize(("tracker", "again"), [("kept_by_a_test", False), ("told_again_by_a_test", True)])
def test_a_resumed_run_is_told_on(tracker: str, again: bool, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    folder = tmp_path / "run"
    with monkeypatch.context() as patch, pytest.raises(Interrupted):
        # Behind the checkpoint of step 6.
        kill_after(8, patch)
        train(folder, f"tracker=[{tracker}]")
    before = said("log")
    assert before[-1] == ("train", 8)
    run(read_config(folder), folder, quiet=True, resume=True)
    assert [remembered for _, remembered in said("open")] == [{}, {"id": "seven"}]
    assert said("log")[len(before) :] == logged(folder)[0 if again else len(before) :]
    assert said("end")[-1].status == "finished"


def test_what_could_not_be_sent_is_sent_later(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    class Recovering(Observers):
        def __call__(self, hook: str, event: object) -> None:
            if isinstance(event, MetricsLogged):
                FAILS[:] = ["log"] if event.step in (4, 6) else []
            super().__call__(hook, event)

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr("pluglm.lifecycle.run.Observers", Recovering)
        folder = run(compose([*SMALL, *WORDS]), tmp_path / "run")
    assert said("log") == logged(folder)
    assert (folder / "observer_errors.txt").read_text().count("tracker.kept_by_a_test: OSError: log: the ser") == 1
    assert capsys.readouterr().out.count("tracker.kept_by_a_test failed, and the run goes on: OSError: log: ") == 1


@pytest.mark.parametrize("what", ["open", "log", "end"])
def test_a_service_that_stays_away_costs_nothing(what: str, tmp_path: Path, plain: Path) -> None:
    FAILS.append(what)
    folder = train(tmp_path / "run", *WORDS)
    assert digests(folder / "model") == digests(plain / "model") and (folder / "report.html").exists()
    errors = (folder / "observer_errors.txt").read_text().splitlines()
    # Three times in a row while it trains, and once more at the end.
    assert len(errors) == 1  # each failure is written down once
    assert all(error.startswith("tracker.kept_by_a_test: OSError") for error in errors)
    assert len(said("asked")) == (4 if what == "log" else len(metrics(folder)) if what == "end" else 0)
    assert not said("end")


def test_a_run_that_fails_before_its_first_line_is_told(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def unreadable(*_: object) -> None:
        raise DataError("nothing can be read")

    monkeypatch.setattr("pluglm.corpus.prepared.prepare_corpus", unreadable)
    with pytest.raises(DataError):
        train(tmp_path / "run", *WORDS)
    [ended] = said("end")
    assert ended.status == "failed" and not ended.scores
    [(started, _)] = said("open")
    assert started.settings["name"] == "run"


def test_members_of_a_sweep_know_it(tmp_path: Path) -> None:
    folder = tmp_path / "sweep" / "000-first"
    folder.mkdir(parents=True)
    (tmp_path / "sweep" / "sweep.json").write_text(json.dumps({"name": "rates"}))
    train(folder, *WORDS, "train.steps=2")
    [(started, _)] = said("open")
    assert started.sweep == "rates"


def test_statuses() -> None:
    folder = Path()
    for error, status in ((None, "finished"), (Interrupted("later"), "stopped"), (ValueError("no"), "failed")):
        assert RunEnded(folder, error).status == status
