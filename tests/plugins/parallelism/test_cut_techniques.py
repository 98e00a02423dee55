"""Techniques that say that they work with a cut model do there what they do in one process; others are refused."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
from selection import asked_for, matrix
from sessions import alone, assert_same, config_tree, lines, together

from pluglm.config.compose import compose
from pluglm.errors import ConfigError

WORDS = ["objective=clm", "train.steps=8", "train.save_every=4", "train.eval_every=2"]
MODELS = {
    "many": ["regularizer=[label_smoothing,ema,early_stopping]", "debiaser=[adversarial_debias]"],
    "teacher": ["compressor=[distillation]"],
    "twice": ["regularizer=[r_drop]"],
}
WAYS = {name: {"name": name} for name in ("sharded", "tensor", "pipeline")}
CELLS = [(model, way) for model in MODELS for way in WAYS if (model, way) != ("twice", "pipeline")]

# Each way of cutting once, and both models that log something of their own, for test_they_did_something.
SAMPLE = [("many", "sharded"), ("many", "pipeline"), ("teacher", "tensor")]


@pytest.fixture(scope="module")
def runs(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Path:
    cells = asked_for(request, "model", "way")
    home = tmp_path_factory.mktemp("runs")
    alone(home / "taught", config_tree(*WORDS, "seed=1"))
    given = {**MODELS, "teacher": [*MODELS["teacher"], f"compressor.distillation.teacher={home / 'taught'}"]}
    trees = {model: config_tree(*WORDS, *words) for model, words in given.items()}
    for model in {"many", "teacher"} | {model for model, _ in cells}:
        alone(home / model / "single", trees[model])
    together(2, {home / model / way: trees[model] | {"parallelism": WAYS[way]} for model, way in cells}, home)
    return home


@pytest.mark.parametrize(("model", "way"), matrix(CELLS, SAMPLE))
def test_does_what_it_does_in_one_process(model: str, way: str, runs: Path) -> None:
    assert_same(runs / model / way, runs / model / "single")


@pytest.mark.parametrize(("model", "way"), [("many", "sharded")])
def test_they_did_something(model: str, way: str, runs: Path) -> None:
    plain = [line["loss"] for line in lines(runs / "taught", "train")]
    for name, logged in (("many", "adversary_loss"), ("teacher", "divergence")):
        found = lines(runs / name / "single", "train")
        assert all(logged in line for line in found)
        assert [line["loss"] for line in found] != plain
    notes = json.loads((runs / model / way / "results.json").read_text())["notes"]
    assert any("exponential moving average" in note for note in notes)


@pytest.mark.parametrize(
    ("words", "message"),
    [
        (
            ["parallelism=tensor", "regularizer=[l2]"],
            "regularizer.l2=l2: cannot be used with parallelism=tensor, which cuts the model's tensors; "
            "choose parallelism=data or another technique",
        ),
        (
            ["parallelism=pipeline", "regularizer=[r_drop]"],
            "regularizer.r_drop=r_drop: cannot be used with parallelism=pipeline, "
            "which gives each process some of the model's layers; choose parallelism=data or another technique",
        ),
        (
            ["parallelism=sharded", "optimizer=adafactor"],
            "optimizer=adafactor: cannot be used with parallelism=sharded, which cuts the model's tensors; "
            "choose parallelism=data or another technique",
        ),
        (
            ["parallelism=pipeline", "objective=span_corruption"],
            "parallelism=pipeline: divides one stack of blocks, and objective=span_corruption needs an encoder and a "
            "decoder; use parallelism=sharded",
        ),
        (
            ["parallelism=pipeline", "train.precision=fp16"],
            "train.precision=fp16: has no loss scale in a pipeline; use bf16 or fp32",
        ),
        (
            ["parallelism=hybrid", "parallelism.shard=1", "parallelism.tensor=1"],
            "parallelism=hybrid: data, shard and tensor are all 1; use parallelism=single",
        ),
    ],
)
def test_what_does_not_fit_is_said_before_anything_runs(words: list[str], message: str) -> None:
    with pytest.raises(ConfigError) as found:
        compose(words)
    assert message in str(found.value).splitlines()


def test_what_acts_before_or_after_training_goes_with_all_of_them() -> None:
    for way in ("tensor", "pipeline", "hybrid"):
        compose([f"parallelism={way}", "train.batch_size=8", "regularizer=[dropout]", "compressor=[magnitude_pruning]"])
