"""Compressors against scipy, torch's pruning and torch's quantization."""

from __future__ import annotations

import copy
import json
import time
import warnings
from collections.abc import Iterator
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import numpy as np
import pytest
import torch
from pydantic import ValidationError
from scipy.spatial.distance import jensenshannon
from scipy.stats import entropy
from torch.nn.utils import prune
from transformers import (
    AutoModelForCausalLM,
    AutoModelForMaskedLM,
    AutoModelForSequenceClassification,
    BertConfig,
    GPT2Config,
    LlamaConfig,
)

from pluglm import PluglmError, TrainingRun
from pluglm_compressors.distillation import Distillation
from pluglm_compressors.divergence import counted_positions, divergence
from pluglm_compressors.dynamic_int8 import DynamicInt8
from pluglm_compressors.int8_linear import Int8Linear, quantize_rows
from pluglm_compressors.layers import linear_layers
from pluglm_compressors.magnitude_pruning import MagnitudePruning, smallest
from pluglm_objectives.clm import Clm
from pluglm_tokenizers.byte import Byte

TOKENIZER = Byte().build(iter(()))


def model_of(kind: str, tied: bool = True, width: int = 32, seed: int = 0, vocabulary: int = len(TOKENIZER)) -> Any:
    torch.manual_seed(seed)
    common = {
        "vocab_size": vocabulary,
        "tie_word_embeddings": tied,
        "pad_token_id": TOKENIZER.pad_token_id,
        "bos_token_id": TOKENIZER.bos_token_id,
        "eos_token_id": TOKENIZER.eos_token_id,
    }
    wide = {"hidden_size": width, "num_hidden_layers": 2, "num_attention_heads": 4, "intermediate_size": 2 * width}
    if kind.startswith("llama"):
        config: Any = LlamaConfig(max_position_embeddings=64, **wide, **common)
    elif kind == "gpt2":
        config = GPT2Config(n_embd=width, n_layer=2, n_head=4, n_positions=64, **common)
    else:
        config = BertConfig(max_position_embeddings=64, **wide, **common)
    if kind.endswith("classifier"):
        return AutoModelForSequenceClassification.from_config(config).eval()
    return (AutoModelForMaskedLM if kind == "bert" else AutoModelForCausalLM).from_config(config).eval()


def batches(n: int = 2) -> Iterator[dict[str, Any]]:
    texts = ["to be or not to be", "that is", "the question", "a"]
    for _ in range(n):
        rows = [{"input_ids": TOKENIZER.encode(text, add_special_tokens=False)} for text in texts]
        yield Clm().collate(rows, TOKENIZER, [])


def run_of(model: Any, notes: list[str] | None = None) -> TrainingRun:
    return TrainingRun(
        model=model,
        auxiliary=torch.nn.ModuleDict(),
        tokenizer=TOKENIZER,
        objective=Clm(),
        state={},
        seed=0,
        steps=10,
        batches=batches,
        documents=lambda: iter(()),
        note=notes.append if notes is not None else (lambda line: None),
    )


def teacher_folder(folder: Path, **options: Any) -> Path:
    model_of("llama", **options).save_pretrained(folder)
    TOKENIZER.save_pretrained(folder)
    return folder


@pytest.mark.parametrize("temperature", [1.0, 2.0, 5.0])
def test_divergences_are_those_of_scipy(temperature: float) -> None:
    generator = np.random.default_rng(0)
    student, teacher = generator.normal(size=(2, 7, 11)) * 3
    q, p = (np.exp(x / temperature) / np.exp(x / temperature).sum(axis=-1, keepdims=True) for x in (student, teacher))
    expected = {
        "forward_kl": entropy(p, q, axis=-1),
        "reverse_kl": entropy(q, p, axis=-1),
        "jsd": jensenshannon(p, q, axis=-1) ** 2,
    }
    for kind, by_scipy in expected.items():
        ours = divergence(torch.tensor(student), torch.tensor(teacher), temperature, kind)  # type: ignore[arg-type]
        np.testing.assert_allclose(ours.numpy(), by_scipy * temperature**2, rtol=1e-4, atol=1e-6)


def test_the_loss_of_a_student_that_is_its_teacher_is_zero(tmp_path: Path) -> None:
    model = model_of("llama")
    folder = teacher_folder(tmp_path / "run" / "model").parent
    for kind in ("forward_kl", "reverse_kl", "jsd"):
        wrapped = Distillation(teacher=folder, alpha=1, divergence=kind).wrap_loss(Clm().loss, run_of(model))
        assert wrapped(model, next(batches())).sums.abs().max() < 1e-4
    other = model_of("llama", seed=1)
    assert wrapped(other, next(batches())).sums[:3].min() > 1e-3


def test_only_positions_with_a_next_token_count_and_alpha_mixes(tmp_path: Path) -> None:
    student, teacher = model_of("llama", seed=1), model_of("llama")
    folder, batch = teacher_folder(tmp_path), next(batches())
    wrapped = Distillation(teacher=folder, alpha=0.3, temperature=2).wrap_loss(Clm().loss, run_of(student))
    losses, plain = wrapped(student, batch), Clm().loss(student, batch)
    q, p = (
        (m(**{k: batch[k] for k in ("input_ids", "attention_mask")}).logits / 2).softmax(-1) for m in (student, teacher)
    )
    for row in range(4):
        last = int((batch["labels"][row] != -100).sum()) - 1
        kl = entropy(p[row, :last].detach().numpy(), q[row, :last].detach().numpy(), axis=-1).sum() * 4
        expected = 0.7 * float(plain.sums[row]) + 0.3 * kl
        assert float(losses.sums[row]) == pytest.approx(expected, rel=1e-4, abs=1e-5)
    assert torch.equal(losses.counts, plain.counts)
    losses.sums.sum().backward()
    assert student.model.layers[0].mlp.up_proj.weight.grad.abs().max() > 0


def test_masked_models_and_classifiers_do_not_shift() -> None:
    labels = torch.tensor([[-100, 5, -100], [1, 2, 3]])
    span, counted = counted_positions({"labels": labels}, torch.zeros(2, 3, 9), causal=False)
    assert span == slice(None) and counted.tolist() == [[False, True, False], [True, True, True]]
    assert counted_positions({}, torch.zeros(4, 9), causal=False)[1].shape == (4, 1)


def test_without_a_share_the_loss_is_untouched(tmp_path: Path) -> None:
    loss = Clm().loss
    assert Distillation(teacher=tmp_path, alpha=0).wrap_loss(loss, run_of(model_of("llama"))) is loss


def test_loading_a_teacher_draws_nothing(tmp_path: Path) -> None:
    folder, run = teacher_folder(tmp_path), run_of(model_of("llama", width=16))
    state = torch.get_rng_state()
    Distillation(teacher=folder).wrap_loss(Clm().loss, run)
    assert torch.equal(torch.get_rng_state(), state)


def test_a_teacher_with_another_vocabulary_or_no_head_is_refused(tmp_path: Path) -> None:
    folder = teacher_folder(tmp_path / "small")
    fewer = copy.deepcopy(TOKENIZER)
    fewer.add_tokens(["word"])
    fewer.save_pretrained(folder)
    run = run_of(model_of("llama"))
    with pytest.raises(PluglmError, match=f"{len(TOKENIZER) + 1} tokens.*{len(TOKENIZER)}"):
        Distillation(teacher=folder).wrap_loss(Clm().loss, run)
    headless = tmp_path / "headless"
    model_of("llama", tied=False).model.save_pretrained(headless)
    TOKENIZER.save_pretrained(headless)
    with pytest.raises(PluglmError, match="missing"):
        Distillation(teacher=headless).wrap_loss(Clm().loss, run)
    padded = teacher_folder(tmp_path / "padded", vocabulary=len(TOKENIZER) + 9)
    with pytest.raises(PluglmError, match="tokens"):
        Distillation(teacher=padded).wrap_loss(Clm().loss, run)


def test_the_teacher_must_be_there(tmp_path: Path) -> None:
    technique = Distillation(teacher=tmp_path / "nowhere")
    config: Any = SimpleNamespace(compressor={"other": DynamicInt8(), "learn": technique})
    (problem,) = technique.problems(config)
    assert problem.path == "compressor.learn.teacher" and "does not exist" in problem.reason
    found = Distillation(teacher=teacher_folder(tmp_path / "there"))
    config = SimpleNamespace(compressor={"distillation": found})
    assert not list(found.problems(config))


def test_a_worse_teacher_is_noted(tmp_path: Path) -> None:
    model = model_of("llama", seed=1)
    optimizer = torch.optim.AdamW(model.parameters(), lr=1e-2)
    for batch in batches(20):
        optimizer.zero_grad()
        Clm().loss(model, batch).sums.sum().backward()
        optimizer.step()
    notes: list[str] = []
    Distillation(teacher=teacher_folder(tmp_path / "bad")).after_training(run_of(model, notes))
    model.save_pretrained(tmp_path / "good")
    TOKENIZER.save_pretrained(tmp_path / "good")
    Distillation(teacher=tmp_path / "good").after_training(run_of(model_of("llama"), notes))
    assert "is worse" in notes[0] and "is better" in notes[1]


def pruned(model: Any, technique: MagnitudePruning) -> tuple[dict[str, torch.Tensor], list[str]]:
    notes: list[str] = []
    result = technique.compress(run_of(model, notes))
    layers: dict[str, Any] = dict(linear_layers(result, technique.head))
    return {name: layer.weight.detach() for name, layer in layers.items()}, notes


@pytest.mark.parametrize("scope", ["global", "layer"])
@pytest.mark.parametrize("kind", ["llama", "gpt2", "bert", "llama-classifier"])
def test_pruning_is_that_of_torch(kind: str, scope: Any) -> None:
    reference = model_of(kind)
    layers: list[tuple[Any, str]] = [(layer, "weight") for layer in linear_layers(reference, False).values()]
    if scope == "global":
        prune.global_unstructured(layers, prune.L1Unstructured, amount=0.37)
    else:
        for layer, name in layers:
            prune.l1_unstructured(layer, name, amount=0.37)
    weights, notes = pruned(model_of(kind), MagnitudePruning(sparsity=0.37, scope=scope))
    for (layer, _), ours in zip(layers, weights.values(), strict=True):
        assert torch.equal(ours, layer.weight.detach())
    total, zeros = sum(w.numel() for w in weights.values()), sum(int((w == 0).sum()) for w in weights.values())
    assert scope == "layer" or zeros == round(0.37 * total)
    assert f"{zeros:,}" in notes[0]


def test_equal_magnitudes_still_give_the_exact_number() -> None:
    masks = smallest([torch.ones(7), -torch.ones(2, 3)], 0.5)
    assert sum(int(mask.sum()) for mask in masks) == round(0.5 * 13)


def test_head_and_embeddings_are_left_unless_asked_for() -> None:
    before = model_of("llama")
    after: Any = MagnitudePruning(sparsity=0.9).compress(run_of(model_of("llama")))
    assert torch.equal(after.lm_head.weight, before.lm_head.weight)
    assert "lm_head" in pruned(model_of("llama", tied=False), MagnitudePruning(head=True))[0]


@pytest.mark.parametrize("kind", ["llama", "gpt2"])
def test_two_of_every_four_inputs_are_kept(kind: str) -> None:
    plain, (weights, _) = model_of(kind), pruned(model_of(kind), MagnitudePruning(nm="2:4"))
    for name, weight in weights.items():
        original = plain.get_submodule(name).weight.detach()
        rows, kept = (original, weight) if kind == "llama" else (original.T, weight.T)
        groups, ours = rows.reshape(-1, 4), kept.reshape(-1, 4)
        assert ((ours != 0).sum(dim=1) == 2).all()
        assert torch.equal(ours.abs().sum(dim=1), groups.abs().topk(2, dim=1).values.sum(dim=1))


def test_bad_patterns_are_refused() -> None:
    for bad in ("4:4", "0:4", "2/4"):
        with pytest.raises(ValidationError):
            MagnitudePruning(nm=bad)
    with pytest.raises(PluglmError, match="groups of 5"):
        MagnitudePruning(nm="2:5").compress(run_of(model_of("llama")))


def test_rows_are_within_half_a_scale() -> None:
    weight = torch.cat([torch.randn(20, 64), torch.zeros(1, 64)])
    quantized, scale = quantize_rows(weight)
    assert quantized.dtype == torch.int8
    assert ((quantized * scale[:, None] - weight).abs() <= scale[:, None] * 0.501).all()


def test_int8_layers_compute_what_torch_computes() -> None:
    from torch.ao.quantization import per_channel_dynamic_qconfig, quantize_dynamic

    torch.manual_seed(0)
    layer, x = torch.nn.Linear(96, 40), torch.randn(5, 96)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        reference = quantize_dynamic(torch.nn.Sequential(layer), {"0": per_channel_dynamic_qconfig})
    ours = Int8Linear(layer.weight, layer.bias)
    # A weight half-way between two integers may be rounded either way, and moves its output by one scale.
    difference = (ours(x) - reference(x)).abs()
    assert float((difference < 1e-5).float().mean()) > 0.8
    assert float(difference.max()) <= float(ours.scale.max() * x.abs().max()) * 1.01
    assert float((ours(x) - layer(x)).norm() / layer(x).norm()) < 0.03
    assert ours(x[None].bfloat16()).dtype == torch.bfloat16


@pytest.mark.parametrize("kind", ["llama", "gpt2", "bert", "llama-classifier"])
@pytest.mark.parametrize("head", [True, False])
@pytest.mark.parametrize("tied", [True, False])
def test_int8_models_are_small_close_and_load_again(kind: str, head: bool, tied: bool, tmp_path: Path) -> None:
    plain, model = (model_of(kind, tied, width=128) for _ in range(2))
    technique = DynamicInt8(head=head)
    compressed: Any = technique.compress(run_of(model))
    ids = torch.tensor([TOKENIZER.encode("to be or not", add_special_tokens=False)])
    expected = compressed(input_ids=ids).logits
    assert float((expected - plain(input_ids=ids).logits).norm() / expected.norm()) < 0.15
    technique.save(compressed, tmp_path)
    plain.save_pretrained(tmp_path / "plain")
    size, whole = ((f / "model.safetensors").stat().st_size for f in (tmp_path, tmp_path / "plain"))
    assert size < 0.62 * whole
    assert sorted(p.suffix for p in tmp_path.iterdir() if p.is_file()) == [".json", ".safetensors"]
    assert json.loads((tmp_path / "config.json").read_text())["architectures"] == [type(plain).__name__]
    auto = {"bert": "AutoModelForMaskedLM", "llama-classifier": "AutoModelForSequenceClassification"}
    state = torch.get_rng_state()
    loaded = technique.load(tmp_path, auto.get(kind, "AutoModelForCausalLM"))
    assert torch.equal(torch.get_rng_state(), state)
    assert torch.equal(loaded(input_ids=ids).logits, expected)
    assert torch.equal(copy.deepcopy(loaded)(input_ids=ids).logits, expected)


def test_int8_is_faster_for_one_token() -> None:
    threads = torch.get_num_threads()
    torch.set_num_threads(1)
    layer, x = torch.nn.Linear(2048, 2048), torch.randn(1, 2048)
    fast, best = Int8Linear(layer.weight, layer.bias), []
    with torch.no_grad():
        for module in (layer, fast):
            module(x)
            times = []
            for _ in range(40):
                start = time.perf_counter()
                module(x)
                times.append(time.perf_counter() - start)
            best.append(min(times))
    torch.set_num_threads(threads)
    assert best[1] < best[0]


def test_nothing_can_compress_int8_further(tmp_path: Path) -> None:
    model = DynamicInt8().compress(run_of(model_of("llama")))
    for technique in (DynamicInt8(), MagnitudePruning(head=True)):
        with pytest.raises(PluglmError, match="float weights"):
            technique.compress(run_of(model))
    first = DynamicInt8()
    config: Any = SimpleNamespace(compressor={"int8": first, "prune": MagnitudePruning()})
    assert [problem.path for problem in first.problems(config)] == ["compressor.prune"]
    config = SimpleNamespace(compressor={"prune": MagnitudePruning(), "int8": first})
    assert not list(first.problems(config))
    with pytest.raises(PluglmError, match="does not hold"):
        first.load(tmp_path, "AutoModelForCausalLM")
