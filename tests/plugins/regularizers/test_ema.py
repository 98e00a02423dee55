"""The average of the weights by hand, in validation, with early stopping, and after a resume."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest
import torch
from pydantic import ValidationError
from safetensors.torch import load_file
from small_models import llama, run_of
from small_runs import SMALL
from torch.optim.swa_utils import AveragedModel, get_ema_multi_avg_fn

from pluglm import ConfigError, Step, TrainingRun
from pluglm.config.compose import compose
from pluglm.lifecycle.run import run
from pluglm_regularizers.early_stopping import EarlyStopping, copy_weights
from pluglm_regularizers.ema import Ema, decay_at, trained_weights

WORDS = [*SMALL, "preprocessor=[]", "train.steps=8", "train.eval_batches=2"]


def moved(run: TrainingRun, technique: Ema, steps: int) -> list[dict[str, torch.Tensor]]:
    """Random weights step after step, as the technique saw them."""
    generator = torch.Generator().manual_seed(9)
    seen = []
    for number in range(1, steps + 1):
        with torch.no_grad():
            for parameter in run.model.parameters():
                parameter.copy_(torch.randn(parameter.shape, generator=generator))
        technique.after_step(run, Step(number, 0.1, 1.0))
        seen.append(copy_weights(run.model))
    return seen


def test_it_is_torchs_average() -> None:
    ours, theirs = llama(), llama()
    technique, run = Ema(decay=0.8, warmup=False), run_of(ours)
    average = AveragedModel(theirs, multi_avg_fn=get_ema_multi_avg_fn(0.8))
    generator = torch.Generator().manual_seed(9)
    for number in range(1, 7):
        for parameter, other in zip(ours.parameters(), theirs.parameters(), strict=True):
            with torch.no_grad():
                parameter.copy_(torch.randn(parameter.shape, generator=generator))
                other.copy_(parameter)
        technique.after_step(run, Step(number, 0.1, 1.0))
        average.update_parameters(theirs)
    technique.after_training(run)
    for parameter, other in zip(ours.parameters(), average.module.parameters(), strict=True):
        torch.testing.assert_close(parameter, other)


def test_warmup_by_hand() -> None:
    assert [decay_at(step, 0.9, True) for step in (1, 8, 80, 1000)] == pytest.approx([2 / 11, 0.5, 0.9, 0.9])
    assert decay_at(1, 0.9, False) == 0.9
    model, notes = llama(), list[str]()
    technique, run = Ema(decay=0.9), run_of(model, notes)
    first, second, third = moved(run, technique, 3)
    technique.after_training(run)
    for name, parameter in trained_weights(model).items():
        expected = 4 / 13 * (3 / 12 * first[name] + 9 / 12 * second[name]) + 9 / 13 * third[name]
        torch.testing.assert_close(parameter.detach(), expected)
    assert "moving average" in notes[0]


def test_validation_sees_the_average_and_training_goes_on_with_the_weights() -> None:
    model = llama()
    model.get_input_embeddings().weight.requires_grad_(False)
    technique, run = Ema(), run_of(model)
    moved(run, technique, 3)
    before = copy_weights(model)
    with technique.during_validation(run):
        assert all(torch.equal(p, run.state["weights"][name]) for name, p in trained_weights(model).items())
    assert all(torch.equal(tensor, before[name]) for name, tensor in copy_weights(model).items())
    assert run.state["weights"].keys() == trained_weights(model).keys(), "frozen weights need no average"


def test_early_stopping_keeps_the_best_average() -> None:
    model = llama()
    average, stopping = Ema(decay=0.5), EarlyStopping(patience=5)
    run, other = run_of(model), run_of(model)
    best: dict[str, Any] = {}
    for number, loss in enumerate([3.0, 1.0, 2.0], 1):
        moved(run, average, 1)
        with average.during_validation(run):
            stopping.should_stop(other, Step(number, 0.1, loss), {"loss": loss})
        if loss == 1.0:
            best = {name: tensor.clone() for name, tensor in run.state["weights"].items()}
    average.after_training(run)
    stopping.after_training(other)
    assert all(torch.equal(p, best[name]) for name, p in trained_weights(model).items())


def test_early_stopping_must_come_behind() -> None:
    with pytest.raises(ConfigError, match=r"write \[ema,early_stopping\]"):
        compose(["regularizer=[early_stopping,ema]"])
    compose(["regularizer=[ema,early_stopping]"])
    compose(["regularizer=[early_stopping,ema]", "regularizer.early_stopping.restore_best=false"])


def test_a_run_validates_and_ends_with_its_average(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """With a decay of 0 the average is the last weights, so that nothing at all may change."""
    monkeypatch.setenv("PLUGLM_CACHE", str(tmp_path / "cache"))
    words = {"plain": ["regularizer=[]"], "none": ["regularizer=[ema]", "regularizer.ema.decay=0"]}
    words["half"] = ["regularizer=[ema]", "regularizer.ema.decay=0.5"]
    weights, losses = {}, {}
    for name, more in words.items():
        folder = run(compose([*WORDS, *more]), tmp_path / name, quiet=True)
        weights[name] = load_file(folder / "model" / "model.safetensors")
        lines = [json.loads(line) for line in (folder / "metrics.jsonl").read_text().splitlines()]
        losses[name] = [[line["loss"] for line in lines if line["kind"] == kind] for kind in ("train", "validation")]
    assert all(torch.equal(tensor, weights["none"][name]) for name, tensor in weights["plain"].items())
    assert losses["plain"] == losses["none"]
    assert losses["half"][0] == losses["plain"][0], "what is trained is not touched by the average"
    assert losses["half"][1] != losses["plain"][1] and not all(
        torch.equal(tensor, weights["half"][name]) for name, tensor in weights["plain"].items()
    )


@pytest.mark.parametrize("bad", [{"decay": 1}, {"decay": -0.1}])
def test_bad_parameters_are_refused(bad: dict[str, Any]) -> None:
    with pytest.raises(ValidationError):
        Ema(**bad)
