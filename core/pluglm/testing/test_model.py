"""Models."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest

from pluglm import Model
from pluglm.testing import samples

if TYPE_CHECKING:
    from transformers import PreTrainedModel, PreTrainedTokenizerFast

pytestmark = pytest.mark.family("model")

Built = list[tuple[str, "PreTrainedModel", "PreTrainedTokenizerFast"]]


@pytest.fixture
def built(technique: Model, words: PreTrainedTokenizerFast) -> Built:
    """It with each of its heads."""
    return build(technique, words)


def build(technique: Model, words: PreTrainedTokenizerFast) -> Built:
    """It with each of its heads, under one seed."""
    import torch

    assert technique.heads(), "it can be built as nothing"
    tokenizer = technique.own_tokenizer() or words
    found: Built = []
    for head in sorted(technique.heads()):
        options: dict[str, Any] = {"num_labels": 3} if "Classification" in head else {}
        torch.manual_seed(5)
        found.append((head, technique.build(head, tokenizer, samples.LENGTH, options).eval(), tokenizer))
    return found


def test_same_seed_gives_the_same_weights(technique: Model, built: Built, words: PreTrainedTokenizerFast) -> None:
    import torch

    for (head, model, _), (_, again, _) in zip(built, build(technique, words), strict=True):
        other = again.state_dict()
        assert all(torch.equal(tensor, other[name]) for name, tensor in model.state_dict().items()), head


def test_vocabulary_is_that_of_the_tokenizer(built: Built) -> None:
    for head, model, tokenizer in built:
        assert model.get_input_embeddings().num_embeddings >= len(tokenizer), head


def test_options_reach_the_config(built: Built) -> None:
    for head, model, _ in built:
        assert "Classification" not in head or model.config.num_labels == 3, f"{head}: options were left out"


def test_input_as_long_as_asked_for_is_taken(built: Built) -> None:
    import torch

    for head, model, tokenizer in built:
        ids = torch.arange(2 * samples.LENGTH).reshape(2, -1) % len(tokenizer)
        if head.endswith(("CausalLM", "MaskedLM", "SequenceClassification")):
            with torch.no_grad():
                assert model(input_ids=ids).logits.isfinite().all()


def test_saved_model_loads_and_gives_the_same(built: Built, tmp_path: Path) -> None:
    import torch
    import transformers

    for head, model, tokenizer in built:
        model.save_pretrained(tmp_path / head)
        loaded = getattr(transformers, head).from_pretrained(tmp_path / head).eval()
        ids = torch.arange(2 * samples.LENGTH).reshape(2, -1) % len(tokenizer)
        if head.endswith(("CausalLM", "MaskedLM", "SequenceClassification")):
            with torch.no_grad():
                assert torch.equal(model(input_ids=ids).logits, loaded(input_ids=ids).logits), head
