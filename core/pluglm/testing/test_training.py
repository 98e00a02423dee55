"""Tokenizers, models, objectives, optimizers and schedules."""

from __future__ import annotations

import copy
import inspect
import json
import math
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest

from pluglm import SPECIAL_TOKENS, Document, Model, Objective, Optimizer, Schedule, Tokenizer
from pluglm.testing import samples

if TYPE_CHECKING:
    import torch
    from transformers import PreTrainedTokenizerFast


@pytest.mark.family("tokenizer")
def test_tokenizer(technique: Tokenizer, tmp_path: Path, untouched_randomness: None) -> None:
    from transformers import AutoTokenizer

    texts = [item.text for item in samples.documents()]
    first, second = (technique.build(iter(texts)) for _ in range(2))
    assert first.backend_tokenizer.to_str() == second.backend_tokenizer.to_str(), "not deterministic"
    for number, (role, token) in enumerate(SPECIAL_TOKENS.items()):
        assert getattr(first, role) == token and first.convert_tokens_to_ids(token) == number, role
    ids = first(texts, add_special_tokens=False)["input_ids"]
    assert all(ids) and max(map(max, ids)) < len(first)
    decoded = [first.decode(row) for row in ids]
    assert first(decoded, add_special_tokens=False)["input_ids"] == ids, "decoding and encoding again gives other ids"
    first.save_pretrained(tmp_path)
    assert AutoTokenizer.from_pretrained(tmp_path)(texts, add_special_tokens=False)["input_ids"] == ids


@pytest.mark.family("model")
def test_model_builds_and_loads_with_each_head(
    technique: Model, words: PreTrainedTokenizerFast, tmp_path: Path
) -> None:
    import torch
    import transformers

    assert technique.heads()
    tokenizer = technique.own_tokenizer() or words
    for head in sorted(technique.heads()):
        options = {"num_labels": 3} if "Classification" in head else {}
        built = []
        for _ in range(2):
            torch.manual_seed(5)
            built.append(technique.build(head, tokenizer, samples.LENGTH, options).eval())
        model = built[0]
        other = built[1].state_dict()
        assert all(torch.equal(tensor, other[name]) for name, tensor in model.state_dict().items()), "not deterministic"
        assert model.get_input_embeddings().num_embeddings >= len(tokenizer)
        model.save_pretrained(tmp_path / head)
        loaded = getattr(transformers, head).from_pretrained(tmp_path / head).eval()
        ids = torch.arange(2 * samples.LENGTH).reshape(2, -1) % len(tokenizer)
        if head.endswith(("CausalLM", "MaskedLM", "SequenceClassification")):
            with torch.no_grad():
                assert torch.equal(model(input_ids=ids).logits, loaded(input_ids=ids).logits)


@pytest.mark.family("objective")
def test_objective(technique: Objective, words: PreTrainedTokenizerFast) -> None:
    import numpy as np
    import torch

    from pluglm.batching.loader import with_partners
    from pluglm.batching.tokenizer import add_extra_tokens

    if technique.extra_tokens():
        words = samples.tokenizer()
        add_extra_tokens(words, technique.extra_tokens())
    given = [with_fields(item, technique.required_fields()) for item in samples.documents(12)]
    fitted = technique.fit(iter(given))
    assert json.loads(json.dumps(fitted)) == fitted, "what is fitted must be plain JSON data"
    rows = [row for item in given for row in technique.examples(item, words, samples.LENGTH, fitted)]
    assert rows and all(len(row["input_ids"]) for row in rows)
    if technique.packs:
        rows = [{**row, "input_ids": list(row["input_ids"])[: samples.LENGTH]} for row in rows]
    assert max(len(row["input_ids"]) for row in rows) <= samples.LENGTH
    rows = rows[:8]
    try:
        model = samples.model(technique.head, words, technique.model_options(fitted)).eval()
    except KeyError:
        pytest.skip(f"the kit has no {technique.head}")

    def collate(first: int, last: int) -> dict[str, Any]:
        generators = [np.random.default_rng((1, number)) for number in range(first, last)]
        chosen = [
            with_partners(dict(row), rows, generator, type(technique).partners)
            for row, generator in zip(rows[first:last], generators, strict=True)
        ]
        return technique.collate(chosen, words, generators)

    torch_state, numpy_state = torch.get_rng_state(), str(np.random.get_state())
    whole, again = collate(0, len(rows)), collate(0, len(rows))
    assert torch.equal(torch_state, torch.get_rng_state()) and numpy_state == str(np.random.get_state())
    assert whole.keys() == again.keys()
    for name, value in whole.items():
        if isinstance(value, torch.Tensor):
            assert torch.equal(value, again[name]), f"{name}: not a function of the generators"
            assert len(value) == len(rows), f"{name}: the first dimension is the example"
    losses = technique.loss(model, whole)
    assert losses.sums.shape == losses.counts.shape == (len(rows),)
    assert losses.sums.isfinite().all() and (losses.counts >= 0).all() and losses.counts.sum() > 0
    shown = technique.loss(model, whole, output_hidden_states=True).outputs
    hidden = "decoder_hidden_states" if model.config.is_encoder_decoder else "hidden_states"
    assert shown is not None and shown[hidden] is not None, "keywords for the model were not handed on"
    answered = technique.predict(model, whole)
    for predictions in (answered, *answered.also):
        assert predictions.predicted.shape == predictions.target.shape == predictions.example.shape
        assert ((predictions.example >= 0) & (predictions.example < len(rows))).all()
        assert predictions.task or not answered.also, "several tasks need names"

    # The mean over a batch, and its gradient, must not depend on how the batch is cut.
    losses.sums.sum().backward()  # type: ignore[no-untyped-call]
    expected = [None if p.grad is None else p.grad.clone() for p in model.parameters()]
    model.zero_grad()
    parts = [technique.loss(model, collate(*cut)) for cut in ((0, 3), (3, len(rows)))]
    sum(part.sums.sum() for part in parts).backward()  # type: ignore[union-attr]
    torch.testing.assert_close(torch.cat([part.sums for part in parts]), losses.sums, rtol=1e-4, atol=1e-4)
    torch.testing.assert_close(torch.cat([part.counts for part in parts]), losses.counts)
    for parameter, gradient in zip(model.parameters(), expected, strict=True):
        if gradient is not None:
            torch.testing.assert_close(parameter.grad, gradient, rtol=1e-3, atol=1e-4)


def with_fields(document: Document, names: tuple[str, ...]) -> Document:
    """The document with a word in each field it lacks."""
    document.fields |= {name: "word" for name in names if name != "text" and name not in document.fields}
    return document


def weights(torch: Any) -> list[torch.Tensor]:
    """A matrix, an embedding and a vector, always the same."""
    generator = torch.Generator().manual_seed(3)
    return [torch.nn.Parameter(torch.randn(shape, generator=generator)) for shape in ((6, 4), (8, 4), (4,))]


def groups(tensors: list[torch.Tensor]) -> list[dict[str, Any]]:
    """The groups that the core hands to optimizers."""
    matrix, embedding, vector = tensors
    return [
        {"params": [matrix], "role": "matrix"},
        {"params": [embedding], "role": "embedding", "weight_decay": 0.0},
        {"params": [vector], "role": "vector", "weight_decay": 0.0},
    ]


def descend(optimizer: torch.optim.Optimizer, tensors: list[torch.Tensor], steps: int) -> float:
    """`steps` steps down half the sum of squares, and where they began."""
    start = sum(float(tensor.detach().square().sum()) for tensor in tensors)
    for _ in range(steps):
        optimizer.zero_grad()
        sum(tensor.square().sum() / 2 for tensor in tensors).backward()  # type: ignore[union-attr]
        optimizer.step()
    return start


@pytest.mark.family("optimizer")
def test_optimizer_goes_down(technique: Optimizer, untouched_randomness: None) -> None:
    import torch

    tensors = weights(torch)
    start = descend(technique.build(groups(tensors)), tensors, 200)
    end = sum(float(tensor.detach().square().sum()) for tensor in tensors)
    assert end < start, "200 steps down a bowl did not go down"


@pytest.mark.family("optimizer")
def test_optimizer_goes_on_where_it_was(technique: Optimizer) -> None:
    import torch

    whole, cut = weights(torch), weights(torch)
    optimizer = technique.build(groups(whole))
    descend(optimizer, whole, 7)
    first = technique.build(groups(cut))
    descend(first, cut, 4)
    state = copy.deepcopy(first.state_dict())
    assert not (strange := list(strangers(state, torch))), f"a checkpoint cannot hold {strange}"
    second = technique.build(groups(cut))
    second.load_state_dict(state)
    descend(second, cut, 3)
    assert all(torch.equal(a, b) for a, b in zip(whole, cut, strict=True)), "other weights after a resume"


def strangers(value: Any, torch: Any) -> list[str]:
    """Types inside `value` that are not plain data or tensors."""
    if isinstance(value, dict):
        return [found for item in value.values() for found in strangers(item, torch)]
    if isinstance(value, list | tuple):
        return [found for item in value for found in strangers(item, torch)]
    plain = value is None or isinstance(value, bool | int | float | str | torch.Tensor)
    return [] if plain else [type(value).__name__]


@pytest.mark.family("optimizer")
def test_optimizer_obeys_its_groups(kind: type[Optimizer], values: dict[str, Any]) -> None:
    import torch

    tensors = weights(torch)
    before = [tensor.detach().clone() for tensor in tensors]
    optimizer = kind.model_validate({**values, "weight_decay": 0.1}).build(groups(tensors))
    for tensor in tensors:
        tensor.grad = torch.zeros_like(tensor)
    optimizer.step()
    assert torch.equal(tensors[2], before[2]), "a group's weight_decay of 0 was not obeyed"
    now = [tensor.detach().clone() for tensor in tensors]
    for group in optimizer.param_groups:
        group["lr"] = 0.0
    descend(optimizer, tensors, 1)
    assert all(torch.equal(a, b) for a, b in zip(now, tensors, strict=True)), "a learning rate of 0 still moved weights"


@pytest.mark.family("schedule")
def test_schedule_is_a_pure_function(technique: Schedule, untouched_randomness: None) -> None:
    for steps in (1, 2, 10, 1000):
        factors = [technique.factor(step, steps) for step in range(steps)]
        assert all(math.isfinite(factor) and 0 <= factor <= 1 + 1e-9 for factor in factors)
        assert factors == [technique.factor(step, steps) for step in reversed(range(steps))][::-1]
    assert any(factors)


@pytest.mark.family("parallelism")
def test_parallelism_says_how_many(technique: Any) -> None:
    assert technique.world_size() >= 1 and inspect.isfunction(type(technique).wrap)
