"""Regularizers, debiasers and compressors, and evaluators."""

from __future__ import annotations

import math
from collections.abc import Callable, Iterator
from dataclasses import replace
from pathlib import Path
from random import Random
from typing import TYPE_CHECKING, Any

import pytest

from pluglm import Batch, Compressor, Document, Evaluation, Evaluator, Losses, Score, Step, TrainingRun
from pluglm.families.intervention import Intervention
from pluglm.testing import samples
from pluglm.testing.test_training import strangers

if TYPE_CHECKING:
    from transformers import PreTrainedTokenizerFast


def training_run(words: PreTrainedTokenizerFast) -> TrainingRun:
    """A run about to start, with a small causal model."""
    import torch

    def batches(count: int) -> Iterator[Batch]:
        yield from samples.batches(count, words)

    return TrainingRun(
        model=samples.model(samples.NextToken.head, words),
        auxiliary=torch.nn.ModuleDict(),
        tokenizer=words,
        objective=samples.NextToken(),
        state={},
        seed=0,
        steps=4,
        batches=batches,
        documents=lambda: iter(samples.documents()),
        note=lambda line: None,
    )


@pytest.mark.family("regularizer", "debiaser", "compressor")
def test_intervention_acts(kind: type[Intervention]) -> None:
    assert kind.moments(), "overrides no moment of a run"


@pytest.mark.family("regularizer", "debiaser", "compressor")
def test_changed_documents_are_repeatable(technique: Intervention, untouched_randomness: None) -> None:
    if "change_documents" not in technique.moments():
        pytest.skip("does not change documents")
    first, second = (list(technique.change_documents(iter(samples.documents()), Random(4))) for _ in range(2))
    assert first and first == second
    assert all(isinstance(item, Document) for item in first)


@pytest.mark.family("regularizer", "debiaser", "compressor")
def test_moments_of_a_run(technique: Intervention, words: PreTrainedTokenizerFast) -> None:
    import torch

    moments = technique.moments()
    assert all(isinstance(name, str) for name in technique.columns())
    outcomes = []
    for _ in range(2):
        run = training_run(words)
        run.model.train()
        torch.manual_seed(2)
        if "before_training" in moments:
            technique.before_training(run)
        loss: Callable[..., Losses] = run.objective.loss
        if "wrap_loss" in moments:
            loss = technique.wrap_loss(loss, run)
        parameters = [p for p in [*run.model.parameters(), *run.auxiliary.parameters()] if p.requires_grad]
        optimizer = torch.optim.SGD(parameters, lr=0.01)
        for number, batch in enumerate(run.batches(3), start=1):
            losses = loss(run.model, batch)
            assert losses.sums.shape == losses.counts.shape == (len(batch["input_ids"]),)
            mean = losses.sums.sum() / losses.counts.sum()
            value = float(mean.detach())
            assert math.isfinite(value)
            optimizer.zero_grad()
            mean.backward()  # type: ignore[no-untyped-call]
            optimizer.step()
            step = Step(number, 0.01, value)
            if "after_step" in moments:
                technique.after_step(run, step)
            if "during_validation" in moments:
                before = {name: tensor.clone() for name, tensor in run.model.state_dict().items()}
                with technique.during_validation(run):
                    assert math.isfinite(float(run.objective.loss(run.model, batch).sums.sum().detach()))
                after = run.model.state_dict()
                assert all(torch.equal(after[name], tensor) for name, tensor in before.items()), "not as it was before"
            if "should_stop" in moments:
                answer = technique.should_stop(run, step, {"loss": value})
                assert answer is None or isinstance(answer, str)
        if "after_training" in moments:
            technique.after_training(run)
        assert not (strange := strangers(run.state, torch)), f"a checkpoint cannot hold {strange} in the state"
        outcomes.append({name: tensor.clone() for name, tensor in run.model.state_dict().items()})
    first, second = outcomes
    assert all(torch.equal(tensor, second[name]) for name, tensor in first.items()), "not repeatable under a seed"


@pytest.mark.family("compressor")
def test_compressed_model_loads(technique: Compressor, words: PreTrainedTokenizerFast, tmp_path: Path) -> None:
    import torch

    if "compress" not in technique.moments():
        pytest.skip("does not compress a finished model")
    run = training_run(words)
    run = replace(run, model=run.model.eval())
    compressed = technique.compress(run)
    technique.save(compressed, tmp_path)
    assert not [path for path in tmp_path.rglob("*") if path.suffix in (".bin", ".pt", ".pkl")], "saved with pickle"
    loaded = technique.load(tmp_path, samples.NextToken.head).eval()
    ids = samples.batches(1, words)[0]["input_ids"]
    with torch.no_grad():
        torch.testing.assert_close(loaded(input_ids=ids).logits, compressed(input_ids=ids).logits, rtol=1e-4, atol=1e-5)


@pytest.mark.family("evaluator")
def test_evaluator_scores(technique: Evaluator, words: PreTrainedTokenizerFast, tmp_path: Path) -> None:
    import torch

    notes: list[str] = []
    evaluation = Evaluation(
        model=samples.model(samples.NextToken.head, words).eval(),
        tokenizer=words,
        objective=samples.NextToken(),
        batches=lambda: iter(samples.batches(2, words)),
        training_documents=lambda: iter(samples.documents(40)),
        validation_documents=lambda: iter(samples.documents(20)),
        sequence_length=samples.LENGTH,
        seed=0,
        cache=tmp_path,
        note=notes.append,
    )
    with torch.no_grad():
        first, second = (list(technique.evaluate(evaluation)) for _ in range(2))
    assert repr(first) == repr(second), "measuring again gives other scores"
    assert first or notes, "neither a score nor a note that says why there is none"
    for score in first:
        check(score)
    names = [score.name for score in first]
    assert len(names) == len(set(names))


def check(score: Any) -> None:
    """A score that a report can show."""
    assert isinstance(score, Score) and score.name
    assert isinstance(score.value, int | float), score
    assert score.better in ("lower", "higher", ""), score
    assert (score.low is None) == (score.high is None), score
    if score.low is not None and score.high is not None:
        assert score.low <= score.high, score
