"""Evaluators."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from pluglm import Evaluator, Score
from pluglm.testing import samples
from pluglm.testing.outcomes import evaluate

if TYPE_CHECKING:
    from transformers import PreTrainedTokenizerFast

pytestmark = pytest.mark.family("evaluator")


def test_measuring_again_gives_the_same_scores(technique: Evaluator, tmp_path: Path) -> None:
    assert repr(evaluate(technique, tmp_path)) == repr(evaluate(technique, tmp_path))


def test_scores_can_be_shown(technique: Evaluator, tmp_path: Path) -> None:
    notes: list[str] = []
    scores = evaluate(technique, tmp_path, notes)
    assert scores or notes, "neither a score nor a note that says why there is none"
    for score in scores:
        check(score)
    names = [score.name for score in scores]
    assert len(names) == len(set(names)), "two scores have the same name"


def test_the_model_is_left_as_it_was(technique: Evaluator, words: PreTrainedTokenizerFast, tmp_path: Path) -> None:
    import torch

    model = samples.model(samples.NextToken.head, words).eval()
    before = {name: tensor.clone() for name, tensor in model.state_dict().items()}
    evaluate(technique, tmp_path, model=model)
    assert all(torch.equal(tensor, before[name]) for name, tensor in model.state_dict().items())
    assert not model.training, "it is in training mode now"


def check(score: object) -> None:
    """A score that a report can show."""
    assert isinstance(score, Score) and score.name
    assert isinstance(score.value, int | float), score
    assert score.better in ("lower", "higher", ""), score
    assert (score.low is None) == (score.high is None), score
    if score.low is not None and score.high is not None:
        assert score.low <= score.high, score
