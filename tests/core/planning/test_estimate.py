"""The plan beside what torch counts."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path

import pytest
import torch
from torch.utils.flop_counter import FlopCounterMode

from pluglm.batching.examples import prepare_examples
from pluglm.config.compose import compose
from pluglm.corpus.prepare import prepare_corpus
from pluglm.lifecycle.assemble import Assembly, assemble
from pluglm.planning.estimate import estimate, plan_lines, with_measured
from pluglm.reporting.progress import Progress

WORDS = ["source=[generated_reviews]", "source.generated_reviews.documents=200", "preprocessor=[]", "tokenizer=byte"]
WORDS += ["data.sequence_length=32", "train.steps=5", "train.batch_size=4", "train.gradient_accumulation=2"]


def assembled(*words: str) -> Assembly:
    config, progress = compose([*WORDS, *words]), Progress(quiet=True)
    corpus = prepare_corpus(config, progress)
    return assemble(config, corpus, prepare_examples(config, corpus, progress), lambda line: None)


@pytest.mark.parametrize("words", [[], ["objective=mlm"], ["objective=classification"]])
def test_parameters_and_operations(words: list[str]) -> None:
    assembly = assembled(*words, "model.size=nano")
    plan = estimate(assembly)
    assert plan["parameters"]["all"] == sum(p.numel() for p in assembly.model.parameters())
    assert plan["tokens"] == pytest.approx(5 * 8 * assembly.examples.train.lengths().mean(), rel=0.01)
    # torch counts the matrix products of a forward and backward pass; 6 N D leaves out attention itself.
    batch = next(assembly.loader.training_batches(1))
    with FlopCounterMode(display=False) as counter:
        assembly.config.objective.loss(assembly.model, batch).sums.sum().backward()
    counted = counter.get_total_flops() / batch["input_ids"].numel() * plan["tokens"]
    low, high = (0.5, 1.5) if words else (0.7, 1.1)
    assert low < plan["flops"] / counted < high


@pytest.mark.parametrize(("optimizer", "ratio"), [("adamw", 2), ("sgd", 1), ("adam", 2)])
def test_memory(optimizer: str, ratio: int) -> None:
    assembly = assembled(f"optimizer={optimizer}")
    plan, count = estimate(assembly), sum(p.numel() for p in assembly.model.parameters())
    memory = plan["memory_bytes"]
    momentum = ratio if optimizer != "sgd" or getattr(assembly.config.optimizer, "momentum", 0) else 0
    assert (memory["weights"], memory["gradients"], memory["optimizer"]) == (4 * count, 4 * count, 4 * count * momentum)
    assert plan["storage_bytes"]["model"] == 4 * count


def test_told_and_measured() -> None:
    plan = estimate(assembled())
    assert f"{plan['parameters']['all']:,}" in plan_lines(plan)[0]
    measured = with_measured(plan, 2.0, 10**9)["measured"]
    assert measured["flops_per_second"] == round(plan["flops"] / 2) and measured["peak_memory_bytes"] == 10**9
    assert not torch.is_grad_enabled() or json.dumps(plan)


def test_plan_trains_nothing(tmp_path: Path) -> None:
    done = subprocess.run([sys.executable, "-m", "pluglm", "plan", *WORDS], capture_output=True, text=True)
    assert done.returncode == 0 and "floating-point operations" in done.stdout, done.stderr
    assert not (tmp_path / "outputs").exists()
