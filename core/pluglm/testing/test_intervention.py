"""Regularizers, debiasers and compressors."""

from __future__ import annotations

import math
from random import Random
from typing import TYPE_CHECKING, Any

import pytest

from pluglm import Document, Losses, Step, TrainingRun
from pluglm.families.intervention import Intervention
from pluglm.testing import samples
from pluglm.testing.outcomes import strangers, train

if TYPE_CHECKING:
    from transformers import PreTrainedTokenizerFast

pytestmark = pytest.mark.family("regularizer", "debiaser", "compressor")


def test_acts_at_a_moment_of_a_run(kind: type[Intervention]) -> None:
    assert kind.moments(), "overrides no moment of a run"


def test_columns_are_names(technique: Intervention) -> None:
    columns = technique.columns()
    assert isinstance(columns, tuple) and all(isinstance(name, str) for name in columns)


def test_changed_documents_are_the_same_again(technique: Intervention, untouched_randomness: None) -> None:
    if "change_documents" not in technique.moments():
        pytest.skip("does not change documents")
    first, second = (list(technique.change_documents(iter(samples.documents()), Random(4))) for _ in range(2))
    assert first, "no document is left"
    assert first == second, "other documents, though the generator was the same"
    assert all(isinstance(item, Document) for item in first)


def test_same_seed_gives_the_same_weights(technique: Intervention, words: PreTrainedTokenizerFast) -> None:
    import torch

    first, second = samples.training_run(words), samples.training_run(words)
    train(technique, first)
    train(technique, second)
    other = second.model.state_dict()
    same = all(torch.equal(tensor, other[name]) for name, tensor in first.model.state_dict().items())
    assert same, "not repeatable under a seed"


def test_a_checkpoint_can_hold_what_it_remembers(technique: Intervention, words: PreTrainedTokenizerFast) -> None:
    run = samples.training_run(words)
    train(technique, run)
    assert not (strange := strangers(run.state)), f"run.state holds {strange}: numbers, texts, lists, dicts and tensors"


def test_moments_keep_to_what_they_are_for(technique: Intervention, words: PreTrainedTokenizerFast) -> None:
    import torch

    moments = technique.moments()

    def look(run: TrainingRun, step: Step, losses: Losses, batch: Any) -> None:
        assert losses.sums.shape == losses.counts.shape == (len(batch["input_ids"]),), "a loss for each example"
        assert math.isfinite(step.loss)
        if "during_validation" in moments:
            before = {name: tensor.clone() for name, tensor in run.model.state_dict().items()}
            with technique.during_validation(run):
                assert math.isfinite(float(run.objective.loss(run.model, batch).sums.sum().detach()))
            after = run.model.state_dict()
            restored = all(torch.equal(after[name], tensor) for name, tensor in before.items())
            assert restored, "after a validation the weights are not those of before"
        if "should_stop" in moments:
            answer = technique.should_stop(run, step, {"loss": step.loss})
            assert answer is None or isinstance(answer, str), "a reason, or None"

    train(technique, samples.training_run(words), look)
