"""Losses made a few tokens at a time: as torch has them, in less memory, with every model and every technique."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
import torch
import torch.nn.functional as F
import transformers

from pluglm import Document
from pluglm_models.causal_lm import CausalLm
from pluglm_models.masked_lm import MaskedLm
from pluglm_models.seq2seq import Seq2seq
from pluglm_objectives.chunked_loss import chunked_argmax, chunked_cross_entropy
from pluglm_objectives.clm import Clm
from pluglm_objectives.mlm import Mlm
from pluglm_objectives.token_head import token_head
from pluglm_objectives.token_losses import model_inputs
from pluglm_objectives.translation import Translation
from pluglm_tokenizers.byte import Byte

TOKENIZER = Byte().build(iter(()))
TEXTS = ["The cat sat.", "On the mat, a dog ran away!", "x", "Größe", "A bird flew over it all."]
DOCUMENTS = [Document(text, fields={"target": text[::-1]}) for text in TEXTS]


def tensors(n=23, width=7, classes=11, bias=True, dtype=torch.float64):
    generator = torch.Generator().manual_seed(0)

    def drawn(*shape):
        return torch.randn(shape, generator=generator, dtype=dtype).requires_grad_()

    targets = torch.randint(classes, (n,), generator=generator)
    return drawn(n, width), drawn(classes, width), drawn(classes) if bias else None, targets


def plain(hidden, weight, bias, targets, z_loss=0.0):
    """The formula: -log softmax at the target, and z_loss times log(Z) squared."""
    logits = F.linear(hidden, weight, bias)
    logarithm = logits.exp().sum(1).log()
    return logarithm - logits[torch.arange(len(targets)), targets] + z_loss * logarithm**2


@pytest.mark.parametrize("bias", [True, False])
@pytest.mark.parametrize("z_loss", [0.0, 0.3])
@pytest.mark.parametrize("scale", ["sum", "mean", "weighted"])
@pytest.mark.parametrize("chunk", [1, 5, 23, 1000])
def test_losses_and_gradients_are_those_of_the_formula(chunk, scale, z_loss, bias):
    hidden, weight, shift, targets = tensors(bias=bias, dtype=torch.float32)
    inputs = [t for t in (hidden, weight, shift) if t is not None]
    scales = {"sum": torch.ones(23), "mean": torch.full((23,), 1 / 23), "weighted": torch.linspace(-1, 2, 23)}[scale]
    losses, normalisers = chunked_cross_entropy(hidden, weight, shift, targets, chunk, z_loss)
    ours = torch.autograd.grad((losses * scales).sum(), inputs)
    exact = [t.detach().double().requires_grad_() for t in inputs]
    expected = plain(exact[0], exact[1], exact[2] if bias else None, targets, z_loss)
    theirs = torch.autograd.grad((expected * scales).sum(), exact)
    torch.testing.assert_close(losses.double(), expected, rtol=1e-6, atol=1e-6)
    for mine, other in zip(ours, theirs, strict=True):
        assert float((mine.double() - other).norm() / other.norm()) < 1e-6
    assert not normalisers.requires_grad


def test_gradients_of_other_losses_are_exact_too():
    hidden, weight, bias, targets = tensors()

    def loss(hidden, weight, bias):
        # In double precision but for the losses, which are fp32: so the check of differences has that precision.
        return chunked_cross_entropy(hidden.float(), weight.float(), bias.float(), targets, 4, 0.1)[0].double()

    assert torch.autograd.gradcheck(loss, (hidden, weight, bias), eps=1e-2, atol=2e-3, rtol=1e-2, nondet_tol=0)


def test_a_second_backward_pass_gives_the_same():
    hidden, weight, bias, targets = tensors(dtype=torch.float32)
    total = chunked_cross_entropy(hidden, weight, bias, targets, 4)[0].sum()
    first = torch.autograd.grad(total, [hidden, weight, bias], retain_graph=True)
    second = torch.autograd.grad(total, [hidden, weight, bias])
    for one, other in zip(first, second, strict=True):
        torch.testing.assert_close(one, other)


def test_what_is_frozen_gets_no_gradient_and_no_targets_no_loss():
    hidden, weight, bias, targets = tensors(dtype=torch.float32)
    weight.requires_grad_(False)
    chunked_cross_entropy(hidden, weight, bias, targets, 4)[0].sum().backward()
    assert weight.grad is None and hidden.grad is not None
    empty, _ = chunked_cross_entropy(hidden[:0], weight, bias, targets[:0], 4)
    empty.sum().backward()
    assert empty.shape == (0,) and not bias.grad.isnan().any()


def test_under_autocast_products_are_in_its_format_and_the_rest_is_not():
    hidden, weight, bias, targets = tensors(200, 64, 500, dtype=torch.float32)
    inputs = [hidden, weight, bias]
    with torch.autocast("cpu", dtype=torch.bfloat16):
        losses, _ = chunked_cross_entropy(hidden, weight, bias, targets, 64)
        expected = F.cross_entropy(F.linear(hidden, weight, bias).float(), targets, reduction="none")
    assert losses.dtype == torch.float32
    torch.testing.assert_close(losses, expected)
    ours, theirs = (torch.autograd.grad(value.sum(), inputs) for value in (losses, expected))
    for mine, other in zip(ours, theirs, strict=True):
        assert mine.dtype == torch.float32 and float((mine - other).norm() / other.norm()) < 0.01


WIDTH = 64


class LargestTensor(torch.utils._python_dispatch.TorchDispatchMode):
    """Remembers the number of elements of the largest tensor with a number for each class that any operator made, but
    for the weights of the head."""

    def __init__(self, classes):
        super().__init__()
        self.classes = classes
        self.largest = 0

    def __torch_dispatch__(self, function, types, args=(), kwargs=None):
        made = function(*args, **(kwargs or {}))
        for tensor in made if isinstance(made, (tuple, list)) else (made,):
            if isinstance(tensor, torch.Tensor) and tensor.shape[-1:] == (self.classes,) and len(tensor) != WIDTH:
                self.largest = max(self.largest, tensor.numel())
        return made


def built(technique, head):
    torch.manual_seed(0)
    return technique.build(head, TOKENIZER, 64, {})


MODELS: dict[str, tuple[Any, Any]] = {
    "llama": (Clm, CausalLm(size="nano", architecture="llama")),
    "llama-untied": (Clm, CausalLm(size="nano", architecture="llama", tie_embeddings=False)),
    "gpt2": (Clm, CausalLm(size="nano", architecture="gpt2")),
    "gpt2-untied": (Clm, CausalLm(size="nano", architecture="gpt2", tie_embeddings=False)),
    "bert": (Mlm, MaskedLm(size="nano")),
    "bert-untied": (Mlm, MaskedLm(size="nano", tie_embeddings=False)),
    "t5": (Translation, Seq2seq(size="nano")),
    "bart": (Translation, Seq2seq(size="nano", architecture="bart")),
}


def batch_of(objective):
    rows = [e for document in DOCUMENTS for e in objective.examples(document, TOKENIZER, 64, {})]
    return objective.collate(rows, TOKENIZER, [np.random.default_rng((0, i)) for i in range(len(rows))])


@pytest.mark.parametrize("name", MODELS)
def test_objectives_have_the_loss_and_gradients_of_all_logits_at_once(name):
    kind, technique = MODELS[name]
    chunked, whole = kind(loss_chunk=7), kind(loss_chunk=0)
    model, batch = built(technique, kind.head), batch_of(chunked)
    found = {}
    for objective in (whole, chunked):
        model.zero_grad()
        losses = objective.loss(model, batch)
        losses.sums.sum().backward()
        gradients = {n: p.grad.clone() for n, p in model.named_parameters() if p.grad is not None}
        found[objective.loss_chunk] = losses, gradients
    (losses, gradients), (expected, others) = found[7], found[0]
    torch.testing.assert_close(losses.sums, expected.sums, rtol=1e-6, atol=1e-6)
    assert torch.equal(losses.counts, expected.counts)
    assert gradients.keys() == others.keys()
    total = torch.cat([g.flatten() for g in others.values()]).norm()
    for key, gradient in gradients.items():
        assert float((gradient - others[key]).norm() / total) < 1e-6, key
    torch.testing.assert_close(losses.outputs.logits, expected.outputs.logits)
    assert torch.equal(losses.outputs["logits"], losses.outputs.logits)
    (mine,), (theirs,) = losses.scored(), expected.scored()
    torch.testing.assert_close(mine.logits, theirs.logits)
    assert torch.equal(mine.targets, theirs.targets) and torch.equal(mine.examples, theirs.examples)
    model.eval()
    with torch.no_grad():
        one, other = chunked.predict(model, batch), whole.predict(model, batch)
    assert torch.equal(one.predicted, other.predicted) and torch.equal(one.target, other.target)


@pytest.mark.parametrize("name", MODELS)
def test_the_logits_of_a_batch_never_exist(name):
    kind, technique = MODELS[name]
    objective = kind(loss_chunk=2)
    model, batch = built(technique, kind.head), batch_of(objective)
    objective.loss(model, batch)  # the first time, the model is tried
    classes, places = len(TOKENIZER), batch["labels"].numel()

    def largest(objective):
        with LargestTensor(classes) as seen:
            objective.loss(model, batch).sums.sum().backward()
        return seen.largest

    # A BART adds a bias to its logits, so that they are its own.
    assert largest(objective) == (places if name == "bart" else 2) * classes
    assert largest(kind(loss_chunk=0)) == places * classes


def test_logits_that_are_asked_for_have_gradients():
    model, batch = built(CausalLm(size="nano"), Clm.head), batch_of(Clm())
    outputs = Clm(loss_chunk=4).loss(model, batch, output_hidden_states=True).outputs
    assert len(outputs.hidden_states) == 3 and "logits" in outputs and outputs.get("attentions") is None
    outputs.logits.square().mean().backward()
    lazy = {name: p.grad.clone() for name, p in model.named_parameters()}
    model.zero_grad()
    model(**model_inputs(batch)).logits.square().mean().backward()
    for name, parameter in model.named_parameters():
        torch.testing.assert_close(lazy[name], parameter.grad)


def test_logits_that_are_changed_behind_the_head_are_taken_as_they_are():
    config = transformers.Gemma2Config(
        vocab_size=len(TOKENIZER), hidden_size=16, num_hidden_layers=2, num_attention_heads=2, num_key_value_heads=1,
        head_dim=8, intermediate_size=32, final_logit_softcapping=0.5, query_pre_attn_scalar=8, pad_token_id=0,
    )  # fmt: skip
    torch.manual_seed(0)
    capped = transformers.Gemma2ForCausalLM(config).eval()
    batch = batch_of(Clm())
    inputs = model_inputs(batch)
    assert token_head(capped, inputs) is None
    losses = Clm().loss(capped, batch)
    expected = capped(**inputs, labels=batch["labels"]).loss
    torch.testing.assert_close(losses.sums.sum() / losses.counts.sum(), expected)
    bart = built(Seq2seq(size="nano", architecture="bart"), Translation.head).eval()
    pairs = batch_of(Translation())
    shifted = bart.prepare_decoder_input_ids_from_labels(pairs["labels"])
    with torch.no_grad():
        before = Translation().loss(bart, pairs).sums
        bart.final_logits_bias += torch.randn(bart.final_logits_bias.shape)
        moved = built(Seq2seq(size="nano", architecture="bart"), Translation.head).eval()
        moved.final_logits_bias.copy_(bart.final_logits_bias)
        assert token_head(moved, model_inputs(pairs) | {"decoder_input_ids": shifted}) is None
        after = Translation().loss(moved, pairs)
        expected = moved(**model_inputs(pairs), labels=pairs["labels"]).loss
    torch.testing.assert_close(after.sums.sum() / after.counts.sum(), expected)
    assert not torch.allclose(before, after.sums)


def test_a_head_that_is_hooked_or_wrapped_is_called():
    model, batch = built(CausalLm(size="nano"), Clm.head).eval(), batch_of(Clm())
    inputs = model_inputs(batch)
    assert token_head(model, inputs) is not None
    handle = model.lm_head.register_forward_hook(lambda module, given, made: made * 2)
    assert token_head(model, inputs) is None
    doubled = Clm().loss(model, batch)
    assert torch.equal(doubled.sums, Clm(loss_chunk=0).loss(model, batch).sums)
    handle.remove()
    assert token_head(model, inputs) is not None
    from peft import LoraConfig, get_peft_model

    adapted = get_peft_model(model, LoraConfig(target_modules=["lm_head", "q_proj"]))
    assert token_head(adapted, inputs) is None
    torch.testing.assert_close(Clm().loss(adapted, batch).sums, Clm(loss_chunk=0).loss(adapted, batch).sums)


def test_trying_a_model_draws_nothing_and_leaves_it_as_it_was():
    model, batch = built(CausalLm(size="nano"), Clm.head), batch_of(Clm())
    model.config.attention_dropout = 0.5
    model.model.layers[1].eval()
    modes, state = [module.training for module in model.modules()], torch.get_rng_state()
    assert token_head(model, model_inputs(batch)) is not None
    assert [module.training for module in model.modules()] == modes
    assert torch.equal(torch.get_rng_state(), state) and "forward" not in vars(model.lm_head)
    assert all(parameter.grad is None for parameter in model.parameters())


@pytest.mark.parametrize("chunk", [0, 4])
def test_z_loss_is_for_training_alone(chunk):
    model, batch = built(CausalLm(size="nano"), Clm.head), batch_of(Clm())
    objective, without = Clm(z_loss=0.01, loss_chunk=chunk), Clm(loss_chunk=chunk)
    model.train()
    losses, plain_losses = objective.loss(model, batch), without.loss(model, batch)
    assert losses.scored is not None
    (scored,) = losses.scored()
    squares = scored.logits.logsumexp(1).square()
    by_example = torch.zeros(len(TEXTS)).index_add(0, scored.examples, squares)
    torch.testing.assert_close(losses.sums, plain_losses.sums + 0.01 * by_example)
    torch.testing.assert_close(losses.metrics["z_loss"], 0.01 * squares.mean())
    assert not plain_losses.metrics
    model.eval()
    assert torch.equal(objective.loss(model, batch).sums, without.loss(model, batch).sums)


def test_the_likeliest_classes_are_those_of_all_logits():
    hidden, weight, bias, _ = tensors(dtype=torch.float32)
    linear = torch.nn.Linear(7, 11)
    linear.weight, linear.bias = torch.nn.Parameter(weight), torch.nn.Parameter(bias)
    assert torch.equal(chunked_argmax(hidden, linear, 4), linear(hidden).argmax(1))
    assert chunked_argmax(hidden[:0], linear, 4).shape == (0,)
