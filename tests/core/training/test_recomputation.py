"""Layers computed again: the same loss and gradients, less kept."""

from __future__ import annotations

from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest
import torch
from small_runs import SMALL

from pluglm.batching.examples import prepare_examples
from pluglm.config.compose import compose
from pluglm.corpus.prepared import prepare_corpus
from pluglm.errors import ConfigError
from pluglm.lifecycle.assemble import Assembly, assemble
from pluglm.progress import Progress
from pluglm.training.recomputation import recompute_activations

WORDS = [*SMALL, "source.generated_reviews.documents=60", "data.sequence_length=64", "model.num_layers=3"]
MODELS = {
    "llama": [],
    "gpt2": ["model.architecture=gpt2"],
    "bert": ["objective=mlm"],
}


def assembled(*words: str) -> Assembly:
    config, progress = compose([*WORDS, *words]), Progress(quiet=True)
    corpus = prepare_corpus(config, progress)
    return assemble(config, corpus, prepare_examples(config, corpus, progress), lambda line: None)


def one_step(assembly: Assembly) -> tuple[float, dict[str, torch.Tensor], int]:
    """The loss, the gradients, and the bytes kept for the backward pass beside the weights."""
    weights = {p.untyped_storage().data_ptr() for p in assembly.model.parameters()}
    kept: dict[int, int] = {}

    def keep(tensor: torch.Tensor) -> torch.Tensor:
        storage = tensor.untyped_storage()
        if storage.data_ptr() not in weights:
            kept[storage.data_ptr()] = storage.nbytes()
        return tensor

    assembly.module.train()
    (batch,) = assembly.loader.training_batches(1)
    with torch.autograd.graph.saved_tensors_hooks(keep, lambda tensor: tensor):
        loss: Any = assembly.module(batch)[0]
    size = sum(kept.values())
    loss.backward()
    return loss.item(), {n: p.grad for n, p in assembly.model.named_parameters() if p.grad is not None}, size


@pytest.mark.parametrize("dropout", [[], ["regularizer=[dropout]"]], ids=["plain", "dropout"])
@pytest.mark.parametrize("model", MODELS)
def test_the_same_loss_and_gradients_with_less_kept(
    model: str, dropout: list[str], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("PLUGLM_CACHE", str(tmp_path))
    words = [*MODELS[model], *dropout]
    loss, gradients, kept = one_step(assembled(*words))
    again, recomputed, less = one_step(assembled(*words, "train.recompute_activations=true"))
    assert again == loss
    assert recomputed.keys() == gradients.keys()
    assert all(torch.equal(recomputed[name], gradients[name]) for name in gradients)
    assert less < kept / 2


def test_a_model_that_cannot_is_named() -> None:
    with pytest.raises(ConfigError, match=r"train\.recompute_activations.*SimpleNamespace"):
        recompute_activations(SimpleNamespace(supports_gradient_checkpointing=False))
