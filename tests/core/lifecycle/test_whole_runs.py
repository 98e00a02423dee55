"""Techniques of every moment together, and what others can do with a run's output."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
import yaml
from small_runs import SHRUNK, SMALL, pluglm, small_without, train, weights

from pluglm.config.compose import compose
from pluglm.lifecycle.finished_run import compress_again, evaluate_again
from pluglm.lifecycle.run import run
from pluglm.runs.folder import read_config
from pluglm.runs.saved_model import load_run_model

FILES = ["config.yaml", "manifest.json", "ledger.json", "quarantine.jsonl", "plan.json", "metrics.jsonl"]
FILES += ["results.json", "report.html", "model/README.md", "model/config.json", "model/tokenizer.json"]


@pytest.fixture(scope="module")
def trained(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return train(tmp_path_factory.mktemp("trained") / "run", "evaluator=[perplexity,task_metrics]")


def test_the_folder_is_complete(trained: Path) -> None:
    for name in FILES:
        assert (trained / name).is_file(), name
    assert not list(trained.rglob("*.tmp")) and not list(trained.rglob("*.bin")) and not list(trained.rglob("*.pkl"))
    manifest = json.loads((trained / "manifest.json").read_text())
    assert manifest["packages"]["torch"] and manifest["seed"] == 0 and manifest["corpus"]
    assert read_config(trained).resolved == yaml.safe_load((trained / "config.yaml").read_text())


def test_the_model_opens_elsewhere(trained: Path) -> None:
    import torch
    from transformers import AutoModelForCausalLM, AutoTokenizer

    model = AutoModelForCausalLM.from_pretrained(trained / "model").eval()
    tokenizer = AutoTokenizer.from_pretrained(trained / "model")
    ours, words = load_run_model(trained)
    text = "The film was long, and “naïve”."
    ids = tokenizer(text, return_tensors="pt")
    assert ids["input_ids"].tolist() == words(text, return_tensors="pt")["input_ids"].tolist()
    assert tokenizer.decode(ids["input_ids"][0], skip_special_tokens=True) == text
    with torch.no_grad():
        assert torch.equal(model(**ids).logits, ours(**ids).logits)
    card = (trained / "model" / "README.md").read_text(encoding="utf-8")
    for heading in ("## Data", "## Techniques", "## Results", "## Limits"):
        assert heading in card


def test_going_on_from_an_earlier_run(trained: Path, tmp_path: Path) -> None:
    words = [
        *small_without("model."),
        "model=pretrained",
        f"model.path={trained}",
        "train.steps=1",
        "optimizer.lr=1e-12",
    ]
    again = run(compose(words), tmp_path / "more", quiet=True)
    for name, tensor in weights(trained).items():
        assert (weights(again)[name] - tensor).abs().max() < 1e-6, name
    head = run(compose([*words, "objective=classification"]), tmp_path / "head", quiet=True)
    assert json.loads((head / "model" / "config.json").read_text())["id2label"] == {"0": "negative", "1": "positive"}


def test_debiased_and_compressed_in_one_run(tmp_path: Path) -> None:
    words = ["debiaser=[counterfactual,leace]"]
    words += ["compressor=[magnitude_pruning,dynamic_int8]", "compressor.magnitude_pruning.sparsity=0.5"]
    words += ["evaluator=[task_metrics]"]
    folder = train(tmp_path / "run", *words)
    results = json.loads((folder / "results.json").read_text())
    stages = [evaluation["stage"] for evaluation in results["evaluations"]]
    assert stages == ["trained", "debiaser.leace", "compressor.magnitude_pruning", "compressor.dynamic_int8"]
    sizes = {evaluation["stage"]: evaluation["size_bytes"] for evaluation in results["evaluations"]}
    assert sizes["compressor.dynamic_int8"] < sizes["trained"]
    for name in ("magnitude_pruning", "dynamic_int8"):
        model, _ = load_run_model(folder / "compressed" / name)
        assert sum(parameter.numel() for parameter in model.parameters()) > 0
    ledger = json.loads((folder / "ledger.json").read_text())
    assert any(station["station"] == "debiaser.counterfactual" for station in ledger["stations"])


def test_measured_and_compressed_afterwards(trained: Path) -> None:
    before = json.loads((trained / "results.json").read_text())
    again = evaluate_again([str(trained)], quiet=True)
    values = [[score["value"] for score in found["scores"]] for found in (before["evaluations"][0], again)]
    assert values[0] == pytest.approx(values[1])
    compress_again([str(trained), "compressor=[dynamic_int8]"], quiet=True)
    results = json.loads((trained / "results.json").read_text())
    assert [e["stage"] for e in results["evaluations"]] == ["trained", "compressor.dynamic_int8"]
    assert "dynamic_int8" in (trained / "report.html").read_text(encoding="utf-8")


def test_generate_goes_on_from_the_prompt(trained: Path) -> None:
    done = pluglm("generate", str(trained), "The film")
    assert done.returncode == 0 and done.stdout.startswith("The film") and len(done.stdout) > 12
    wrong = pluglm("generate", str(trained.parent), "The film")
    assert wrong.returncode == 2 and "Traceback" not in wrong.stderr


def test_early_stopping_ends_a_run_with_its_best_weights(tmp_path: Path) -> None:
    words = ["regularizer=[early_stopping]", "regularizer.early_stopping.patience=1", "optimizer.lr=3"]
    folder = train(tmp_path / "run", *words, "train.steps=60", "train.eval_every=2")
    results = json.loads((folder / "results.json").read_text())
    assert results["stopped"] and results["steps_done"] < 60


def test_folder_that_holds_a_run_is_not_written_over(trained: Path) -> None:
    done = pluglm("train", *SMALL, f"output.folder={trained}")
    assert done.returncode == 2 and f"pluglm resume {trained}" in done.stderr


@pytest.mark.parametrize("name", ["pretrain_gpt", "pretrain_bert", "classify_sentiment", "smoke"])
def test_experiments_run(name: str, tmp_path: Path) -> None:
    short = [*SHRUNK, "train.steps=2", "train.batch_size=2", "data.sequence_length=64"]
    small = ["source.python_library.max_megabytes=0.3"] if name != "classify_sentiment" else []
    folder = run(compose([f"experiment={name}", *short, *small]), tmp_path / "run", quiet=True)
    assert (folder / "report.html").is_file()
