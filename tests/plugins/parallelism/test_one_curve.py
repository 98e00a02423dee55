"""Every parallelism computes what one process does: loss curve, clipping, accumulation, validation, the final model."""

from __future__ import annotations

from pathlib import Path

import pytest
from selection import asked_for, matrix
from sessions import alone, assert_same, config_tree, lines, together

from pluglm.runs.saved_model import load_run_model

MODELS = {
    "llama": ["objective=clm"],
    "gpt2": ["objective=clm", "model.architecture=gpt2"],
    "mlm": ["objective=mlm"],
    "nsp": ["objective=nsp"],
    "mlm_nsp": ["objective=mlm_nsp"],
    "t5": ["objective=span_corruption"],
    "bart": ["objective=span_corruption", "model.architecture=bart"],
}
ONE_STACK = ("llama", "gpt2", "mlm", "nsp", "mlm_nsp")
PAIRS = {name: {"name": name} for name in ("data", "sharded", "tensor", "pipeline")}
FOURS = {"hybrid": {"name": "hybrid"}, "copies": {"name": "hybrid", "data": 2, "shard": 1}}
CELLS = [(model, "data") for model in ONE_STACK]
CELLS += [(model, way) for model in ("llama", "gpt2", "mlm_nsp") for way in ("sharded", "tensor", "pipeline")]
CELLS += [("t5", "data"), ("t5", "sharded"), ("t5", "tensor"), ("bart", "tensor")]
# What four processes make of a Llama is in test_resume.py.
CELLS += [("gpt2", "hybrid"), ("mlm", "copies")]
# Every parallelism of two processes, every kind of model, every shape of loss.
SAMPLE = [*(("llama", way) for way in PAIRS), ("mlm_nsp", "data"), ("t5", "tensor")]


@pytest.fixture(scope="module")
def runs(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Those that the tests ask for, by model and parallelism."""
    home = tmp_path_factory.mktemp("runs")
    cells = asked_for(request, "model", "way")
    trees = {model: config_tree(*MODELS[model]) for model in asked_for(request, "model")}
    for model, tree in trees.items():
        alone(home / model / "single", tree)
    for processes, ways in ((2, PAIRS), (4, FOURS)):
        together(processes, {home / m / w: trees[m] | {"parallelism": ways[w]} for m, w in cells if w in ways}, home)
    return home


@pytest.mark.parametrize(("model", "way"), matrix(CELLS, SAMPLE))
def test_computes_what_one_process_does(model: str, way: str, runs: Path) -> None:
    assert_same(runs / model / way, runs / model / "single")


@pytest.mark.parametrize("model", matrix(MODELS, {model for model, _ in SAMPLE}))
def test_gradients_were_clipped_and_the_loss_fell(model: str, runs: Path) -> None:
    found = lines(runs / model / "single", "train")
    assert len(found) == 20 and max(line["grad_norm"] for line in found) > 0.5
    # Which sentence follows which is not learned in 20 steps.
    assert model == "nsp" or found[-1]["loss"] < found[0]["loss"] - 0.1


@pytest.mark.parametrize(("model", "way"), [("llama", way) for way in PAIRS])
def test_the_model_writes_the_same(model: str, way: str, runs: Path) -> None:
    texts = []
    for folder in (runs / model / way, runs / model / "single"):
        loaded, tokenizer = load_run_model(folder)
        ids = tokenizer("The film", return_tensors="pt", add_special_tokens=False)["input_ids"]
        texts.append(loaded.generate(ids, max_new_tokens=12, do_sample=False).tolist())
    assert texts[0] == texts[1]
