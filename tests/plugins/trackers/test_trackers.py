"""Each tracker against its real library, writing to local disk: what it holds is what metrics.jsonl holds."""

from __future__ import annotations

import json
import os
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import psutil
import pytest
import readers
from readers import Held
from small_runs import SMALL

from pluglm import MetricsLogged
from pluglm.config.compose import compose
from pluglm.errors import ConfigError
from pluglm.events import RunEnded
from pluglm.lifecycle.observers import Observers
from pluglm.lifecycle.run import run
from pluglm.runs.folder import read_config

ALL = ["tensorboard", "mlflow", "wandb"]
WORDS = [*SMALL, "evaluator=[perplexity]", "evaluator.perplexity.baselines=false", f"tracker=[{','.join(ALL)}]"]
WORDS += [f"tracker.{name}.tags=[small,first]" for name in ALL]


@dataclass
class Runs:
    """Two runs of one sweep: one that was killed, then resumed, and one that failed."""

    folder: Path

    @property
    def resumed(self) -> Path:
        return self.folder / "000-resumed"

    @property
    def failed(self) -> Path:
        return self.folder / "001-failed"

    def held(self, service: str, run: Path) -> Held:
        if service == "mlflow":
            noted = json.loads((run / "trackers.json").read_text())
            return readers.mlflow(self.folder / "mlflow.db", noted["mlflow"]["run"]["run_id"])
        return getattr(readers, service)(run)


# A run that is killed behind the checkpoint of step 6, as the kernel does it.
KILLED = """
import os, signal, sys
from pluglm.cli import main
from pluglm.lifecycle.observers import Observers
call = Observers.__call__
def dying(self, hook, event):
    call(self, hook, event)
    if hook == "metrics_logged" and event.step == 8:
        os.kill(os.getpid(), signal.SIGKILL)
Observers.__call__ = dying
sys.argv = ["pluglm", "train", *sys.argv[1:]]
main()
"""


def in_a_process(words: list[str]) -> int:
    """The exit code of python with these words; the processes that it started have ended when this returns."""
    started = subprocess.Popen([sys.executable, *words], stdout=subprocess.DEVNULL)
    children: dict[psutil.Process, str] = {}
    while started.poll() is None:
        with suppress(psutil.NoSuchProcess):
            children |= {child: child.name() for child in psutil.Process(started.pid).children(recursive=True)}
        time.sleep(0.05)
    assert "wandb-core" in children.values()
    _, left = psutil.wait_procs(children, timeout=60)
    assert not left
    return started.returncode


@pytest.fixture(scope="module")
def runs(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Runs]:
    folder = tmp_path_factory.mktemp("runs") / "sweep"
    folder.mkdir()
    made = Runs(folder)
    (folder / "sweep.json").write_text(json.dumps({"name": "rates"}))
    words = [*WORDS, f"output.dir={folder}"]
    call = Observers.__call__

    def failing(self: Observers, hook: str, event: object) -> None:
        call(self, hook, event)
        if isinstance(event, MetricsLogged) and event.step == 4:
            raise ValueError("it went wrong")

    with pytest.MonkeyPatch.context() as patch, socket.create_server(("127.0.0.1", 0)) as network:
        network.setblocking(False)
        # Whoever wanted a network would knock here.
        for name in ("HTTP_PROXY", "HTTPS_PROXY", "http_proxy", "https_proxy", "ALL_PROXY"):
            patch.setenv(name, f"http://127.0.0.1:{network.getsockname()[1]}")
        # Nothing of what a user may have set up counts.
        for name in [name for name in os.environ if name.startswith(("WANDB_", "MLFLOW_"))]:
            patch.delenv(name)
        others = {"WANDB_RUN_ID": "of-another-run", "MLFLOW_EXPERIMENT_NAME": "another", "MLFLOW_RUN_ID": "0" * 32}
        for name, value in {**others, "NO_PROXY": "", "no_proxy": "", "NETRC": str(folder / "no_account")}.items():
            patch.setenv(name, value)
        assert in_a_process(["-c", KILLED, *words, f"output.folder={made.resumed}"]) == -signal.SIGKILL
        run(read_config(made.resumed), made.resumed, quiet=True, resume=True)
        patch.setattr(Observers, "__call__", failing)
        with pytest.raises(ValueError):
            run(compose([*words, "name=other"]), made.failed, quiet=True)
        patch.setattr(Observers, "__call__", call)
        assert {name: os.environ.get(name) for name in others} == others
        yield made
        with pytest.raises(BlockingIOError):
            network.accept()
        import wandb

        wandb.teardown()


def logged(folder: Path) -> list[tuple[str, int, float]]:
    """The numbers of metrics.jsonl."""
    lines = [json.loads(line) for line in (folder / "metrics.jsonl").read_text().splitlines()]
    return [
        (f"{line['kind']}/{name}", line["step"], value)
        for line in lines
        for name, value in line.items()
        if name not in ("kind", "step")
    ]


def timed(name: str) -> bool:
    return name.endswith(("seconds", "per_second"))


@pytest.mark.parametrize("service", ALL)
def test_every_number_is_there_once(service: str, runs: Runs) -> None:
    assert not (runs.resumed / "observer_errors.txt").exists()
    for folder in (runs.resumed, runs.failed):
        held = runs.held(service, folder)
        expected = logged(folder)
        assert len(expected) > 10
        points = [point for point in held.points if point[0].startswith(("train/", "validation/"))]
        assert sorted(p[:2] for p in points) == sorted(p[:2] for p in expected)
        values = {point[:2]: point[2] for point in points}
        # A line that was written, cut and written again is the same but for the clock. TensorBoard rounds to 32 bits.
        exact = np.float32 if service == "tensorboard" else np.float64
        for name, step, value in expected:
            assert timed(name) or exact(values[name, step]) == exact(value), name


@pytest.mark.parametrize("service", ALL)
def test_settings_scores_and_ending_are_there(service: str, runs: Runs) -> None:
    held = runs.held(service, runs.resumed)
    assert held.settings["optimizer.name"] == "adamw" and float(held.settings["train.steps"]) == 12
    assert held.settings["name"] == "run" and held.settings["data.cache_dir"] == "null"
    assert set(compose(SMALL).resolved) <= {name.partition(".")[0] for name in held.settings}
    results = json.loads((runs.resumed / "results.json").read_text())
    expected = RunEnded(runs.resumed, None, results).scores
    assert len(expected) == 5
    found = held.scores if service == "wandb" else {n: v for n, step, v in held.points if step == 12}
    for name, value in expected.items():
        assert found[name] == pytest.approx(value, rel=1e-6), name
    well = {"tensorboard": "STATUS_SUCCESS", "mlflow": "FINISHED", "wandb": 0}
    badly = {"tensorboard": "STATUS_FAILURE", "mlflow": "FAILED", "wandb": 1}
    assert held.status == well[service] and runs.held(service, runs.failed).status == badly[service]


def test_names_tags_and_groups(runs: Runs) -> None:
    held = {service: runs.held(service, runs.resumed).more for service in ALL}
    other = {service: runs.held(service, runs.failed).more for service in ALL}
    assert held["tensorboard"]["tags/text_summary"] == "small, first"
    assert held["mlflow"]["mlflow.runName"] == "run" and held["mlflow"]["small"] == held["mlflow"]["first"] == "true"
    assert held["mlflow"]["pluglm.sweep"] == other["mlflow"]["pluglm.sweep"] == "rates"
    assert Path(held["mlflow"]["pluglm.checkpoint"]).name == "step-00000012"
    assert held["wandb"]["name"] == "run" and held["wandb"]["tags"] == ["small", "first"]
    assert held["wandb"]["group"] == other["wandb"]["group"] == "rates" and held["wandb"]["project"] == "pluglm"
    assert held["wandb"]["id"] not in ("of-another-run", other["wandb"]["id"]) and not held["wandb"]["host"]


def test_one_run_at_each_service_for_each_run(runs: Runs) -> None:
    from mlflow import MlflowClient

    client = MlflowClient(f"sqlite:///{runs.folder / 'mlflow.db'}")
    [experiment] = client.search_experiments(filter_string="name != 'Default'")
    assert experiment.name == "pluglm"
    assert len(client.search_runs([experiment.experiment_id])) == 2
    assert len(list((runs.resumed / "tensorboard").glob("*.ending"))) == 1
    assert "MLFLOW_TRACKING_URI" not in os.environ


def test_finishing_twice_adds_nothing(runs: Runs) -> None:
    before = {service: runs.held(service, runs.resumed).points for service in ALL}
    run(read_config(runs.resumed), runs.resumed, quiet=True, resume=True)
    for service in ALL:
        after = runs.held(service, runs.resumed).points
        # How long a pass takes is measured once more.
        points = [[point[:2] for point in held if "latency" not in point[0]] for held in (before[service], after)]
        assert sorted(points[0]) == sorted(points[1])


@pytest.mark.parametrize(
    ("words", "said"),
    [
        (["tracker=[mlflow]", "tracker.mlflow.tracking_uri=http://me:hush@host"], "put it into MLFLOW_TRACKING_PASS"),
        (["tracker=[mlflow]", "tracker.mlflow.experiment=it's"], "tracker.mlflow.experiment"),
        (["tracker=[wandb]", "+tracker.again={name: wandb}"], "one run of W&B at a time"),
        (["tracker=[mlflow]", "+tracker.again={name: mlflow}"], "one run of MLflow at a time"),
        (["tracker=[tensorbord]"], "did you mean 'tensorboard'?"),
    ],
)
def test_mistakes(words: list[str], said: str) -> None:
    with pytest.raises(ConfigError, match=said.replace("?", r"\?")) as caught:
        compose(words)
    assert "hush" not in str(caught.value)


@pytest.mark.parametrize("service", ALL)
def test_a_library_that_is_not_there_is_named_with_what_brings_it(
    service: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("importlib.util.find_spec", lambda name: None if name == service else object())
    with pytest.raises(ConfigError, match=rf"tracker\.{service}: needs {service}.*pip install 'pluglm\[{service}\]'"):
        compose([f"tracker=[{service}]"])
