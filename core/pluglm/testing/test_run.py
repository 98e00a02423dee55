"""A short run, from documents to report, with each technique of a plugin that is named."""

from __future__ import annotations

import json
import shutil
from pathlib import Path
from typing import Any

import pytest

from pluglm import PluglmError, Technique
from pluglm.corpus.ledger import check_balance
from pluglm.testing.runs import SMALL, composed

FINISHED: dict[type[Technique], Path | BaseException] = {}
CLOCK = ("seconds", "tokens_per_second")


@pytest.fixture
def finished(
    kind: type[Technique], whole_run: None, values: dict[str, Any], tmp_path_factory: pytest.TempPathFactory
) -> Path:
    """The folder of a whole run with it: one for all tests of it."""
    if kind not in FINISHED:
        from pluglm.lifecycle.run import run

        folder = tmp_path_factory.mktemp("run") / "run"
        config = composed(kind, values, *SMALL)
        try:
            FINISHED[kind] = run(config, folder, quiet=True)
        except (Exception, SystemExit) as error:
            FINISHED[kind] = error
    found = FINISHED[kind]
    if isinstance(found, BaseException):
        # What it lacks here it says by `problems`, before anything is spent.
        raise AssertionError(f"the run failed: {type(found).__name__}: {found}") from found
    return found


def lines(folder: Path) -> list[dict[str, Any]]:
    """metrics.jsonl without what a clock says."""
    found = map(json.loads, (folder / "metrics.jsonl").read_text(encoding="utf-8").splitlines())
    return [{key: value for key, value in line.items() if key not in CLOCK} for line in found]


def test_run_goes_from_documents_to_report(finished: Path) -> None:
    assert max(line["step"] for line in lines(finished)) == 4
    assert (finished / "model" / "model.safetensors").is_file() and (finished / "report.html").is_file()
    errors = finished / "observer_errors.txt"
    assert not errors.exists(), errors.read_text(encoding="utf-8")


def test_run_accounts_for_every_document(finished: Path) -> None:
    ledger = json.loads((finished / "ledger.json").read_text(encoding="utf-8"))
    check_balance(ledger["stations"])
    for split, account in ledger["tokens"].items():
        assert account["tokens_used"] > 0, f"nothing is left of the {split} documents"


def test_run_goes_on_where_it_was_stopped(finished: Path, tmp_path: Path) -> None:
    """From the checkpoint in the middle to the end: the same weights, byte for byte, and the same metrics and scores.
    What a technique remembers from step to step belongs into run.state, or into run.auxiliary."""
    from pluglm.lifecycle.run import run
    from pluglm.runs.folder import read_config

    again = tmp_path / "again"
    shutil.copytree(finished, again)
    for made in ("checkpoints/step-00000004", "model", "compressed"):
        shutil.rmtree(again / made, ignore_errors=True)
    assert list((again / "checkpoints").glob("step-*")), "there is no checkpoint in the middle"
    for made in ("results.json", "report.html"):
        (again / made).unlink()
    try:
        run(read_config(again), again, quiet=True, resume=True)
    except PluglmError as error:
        raise AssertionError(f"the run did not go on: {error}") from error
    assert lines(again) == lines(finished), "other metrics after a resume"
    weights = [
        path.relative_to(finished) for path in finished.rglob("*.safetensors") if "checkpoints" not in path.parts
    ]
    for path in weights:
        assert (again / path).read_bytes() == (finished / path).read_bytes(), f"{path}: other weights after a resume"
    assert scores(again) == scores(finished), "other scores after a resume"


def scores(folder: Path) -> list[Any]:
    """What was measured of each stage."""
    evaluations = json.loads((folder / "results.json").read_text(encoding="utf-8"))["evaluations"]
    return [(evaluation["stage"], evaluation["scores"]) for evaluation in evaluations]
