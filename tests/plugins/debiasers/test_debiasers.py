"""Debiasers against concept-erasure, the chain rule and swaps undone."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from random import Random
from types import SimpleNamespace
from typing import Any

import pytest
import torch
from concept_erasure import LeaceEraser
from hypothesis import given
from hypothesis import strategies as st
from pydantic import ValidationError
from sklearn.linear_model import LogisticRegression
from transformers import (
    AutoModelForCausalLM,
    AutoModelForMaskedLM,
    AutoModelForSequenceClassification,
    BertConfig,
    GPT2Config,
    LlamaConfig,
)

from pluglm import Document, Losses, PluglmError, SpecialTokens, TrainingRun
from pluglm_debiasers.adversarial_debias import AdversarialDebias, adversary_loss, mean_pool, reverse_gradient
from pluglm_debiasers.counterfactual import Counterfactual, swap
from pluglm_debiasers.gendered_sentences import gendered_sentences
from pluglm_debiasers.heads import fold, head_inputs, output_head
from pluglm_debiasers.leace import Leace, leace_eraser
from pluglm_debiasers.words import GENDER_PAIRS, NAME_PAIRS, ONE_WAY
from pluglm_tokenizers.byte import Byte

TOKENIZER = Byte().build(iter(()))
AROUND = SpecialTokens((TOKENIZER.cls_token_id,), (TOKENIZER.eos_token_id,))
SPECIAL = {name: getattr(TOKENIZER, name) for name in ("pad_token_id", "bos_token_id", "eos_token_id")}


def model_of(kind: str, tied: bool = True) -> Any:
    torch.manual_seed(0)
    common = {"vocab_size": len(TOKENIZER), "tie_word_embeddings": tied, **SPECIAL}
    wide = {"hidden_size": 32, "num_hidden_layers": 2, "num_attention_heads": 4, "intermediate_size": 48}
    if kind.startswith("llama"):
        config: Any = LlamaConfig(max_position_embeddings=96, **wide, **common)
    elif kind.startswith("gpt2"):
        config = GPT2Config(n_embd=32, n_layer=2, n_head=4, n_positions=96, **common)
    else:
        config = BertConfig(max_position_embeddings=96, **wide, **common)
    if kind.endswith("classifier"):
        return AutoModelForSequenceClassification.from_config(config).eval()
    head = AutoModelForMaskedLM if kind == "bert" else AutoModelForCausalLM
    model = head.from_config(config).eval()
    if kind == "bert":
        with torch.no_grad():
            model.cls.predictions.bias.normal_()
    return model


def run_of(model: Any, documents: Sequence[Document] = (), notes: list[str] | None = None) -> TrainingRun:
    objective: Any = SimpleNamespace(special_tokens=lambda tokenizer: AROUND)
    return TrainingRun(
        model=model,
        auxiliary=torch.nn.ModuleDict(),
        tokenizer=TOKENIZER,
        objective=objective,
        state={},
        seed=0,
        steps=10,
        batches=lambda n: iter(()),
        documents=lambda: iter(documents),
        note=notes.append if notes is not None else (lambda line: None),
    )


def data(n: int, d: int, k: int) -> tuple[torch.Tensor, torch.Tensor]:
    generator = torch.Generator().manual_seed(n + d)
    labels = torch.arange(n) % k
    mixing = torch.randn(d, d, generator=generator, dtype=torch.double)
    x = torch.randn(n, d, generator=generator, dtype=torch.double) @ mixing
    return x + torch.randn(k, d, generator=generator, dtype=torch.double)[labels] * 3 + 5, labels


@pytest.mark.parametrize(("n", "d", "k"), [(500, 12, 2), (400, 30, 3), (60, 40, 2)])
def test_the_eraser_is_that_of_concept_erasure(n: int, d: int, k: int) -> None:
    x, labels = data(n, d, k)
    z = torch.nn.functional.one_hot(labels, k)
    projection, mean = leace_eraser(x, z)
    theirs = LeaceEraser.fit(x, z.double(), shrinkage=False, constrain_cov_trace=False, svd_tol=1e-6)
    torch.testing.assert_close(projection, theirs.P, atol=1e-6, rtol=0)
    torch.testing.assert_close(mean + (x - mean) @ projection.mT, theirs(x), atol=1e-6, rtol=0)


def test_nothing_linear_is_left_of_the_concept() -> None:
    x, labels = data(600, 16, 2)
    projection, mean = leace_eraser(x, torch.nn.functional.one_hot(labels, 2))
    erased = mean + (x - mean) @ projection.mT
    z = labels.double() - labels.double().mean()
    assert float((z @ (erased - erased.mean(dim=0)) / len(z)).abs().max()) < 1e-10
    probe = LogisticRegression(max_iter=500)
    assert probe.fit(x.numpy(), labels.numpy()).score(x.numpy(), labels.numpy()) > 0.9
    assert probe.fit(erased.numpy(), labels.numpy()).score(erased.numpy(), labels.numpy()) == pytest.approx(
        0.5, abs=0.05
    )
    assert int(torch.linalg.matrix_rank(torch.eye(16).double() - projection)) == 1


def test_folding_into_a_head_with_a_bias_is_erasing_before_it() -> None:
    x, labels = data(100, 8, 2)
    projection, mean = leace_eraser(x, torch.nn.functional.one_hot(labels, 2))
    head, bare = torch.nn.Linear(8, 5).double(), torch.nn.Linear(8, 5, bias=False).double()
    expected, bare_expected = head(mean + (x - mean) @ projection.mT), bare(x @ projection.mT)
    fold(head, projection, mean)
    fold(bare, projection, mean)
    torch.testing.assert_close(head(x), expected)
    torch.testing.assert_close(bare(x), bare_expected)


@pytest.mark.parametrize("kind", ["llama", "gpt2", "bert", "bert-classifier", "llama-classifier"])
def test_leace_leaves_a_plain_model_whose_head_cannot_tell_gender(kind: str, tmp_path: Path) -> None:
    model = model_of(kind)
    notes: list[str] = []
    embeddings = model.get_input_embeddings().weight.detach().clone()
    Leace(samples=320).after_training(run_of(model, notes=notes))
    assert torch.equal(model.get_input_embeddings().weight, embeddings)

    model.save_pretrained(tmp_path / "model")
    loaded = type(model).from_pretrained(tmp_path / "model").eval()
    ids = torch.tensor([TOKENIZER.encode("the king and his", add_special_tokens=False)])
    assert torch.equal(loaded(input_ids=ids).logits, model(input_ids=ids).logits)
    assert torch.equal(loaded.get_input_embeddings().weight, embeddings)

    # The logits are linear in what the head sees, so on what the eraser was fitted to they do not covary with gender.
    sentences, sides = gendered_sentences(320, 0)
    fitted = torch.arange(320) // 2 % 4 != 3
    states = head_inputs(loaded, TOKENIZER, AROUND, sentences)[fitted]
    z = torch.tensor(sides).double()[fitted] - 0.5
    after = states @ output_head(loaded).weight.detach().double().mT
    left = float((z @ (after - after.mean(dim=0))).abs().max() / len(z))
    assert left < 1e-5
    before = states @ output_head(model_of(kind)).weight.detach().double().mT
    assert float((z @ (before - before.mean(dim=0))).abs().max() / len(z)) > 20 * left
    assert "gender" in notes[0]


def test_leace_takes_a_document_field_and_says_when_it_has_one_value() -> None:
    texts = [f"text number {number} about {'wine' if number % 2 else 'beer'}" for number in range(60)]
    documents = [Document(text, fields={"topic": number % 2}) for number, text in enumerate(texts)]
    model = model_of("llama")
    notes: list[str] = []
    before = model.lm_head.weight.detach().clone()
    Leace(field="topic").after_training(run_of(model, documents, notes))
    assert not torch.equal(model.lm_head.weight, before)
    assert "topic" in notes[0]
    with pytest.raises(PluglmError, match="'origin' and found none"):
        Leace(field="origin").after_training(run_of(model, documents))


def test_head_inputs_do_not_depend_on_padding() -> None:
    for kind in ("llama", "bert", "bert-classifier"):
        model, texts = model_of(kind), ["he", "she was the best doctor of all"]
        alone = torch.cat([head_inputs(model, TOKENIZER, AROUND, [text]) for text in texts])
        torch.testing.assert_close(head_inputs(model, TOKENIZER, AROUND, texts), alone, atol=1e-5, rtol=1e-4)


def test_reversed_gradient() -> None:
    x = torch.randn(4, 3, requires_grad=True)
    weight = torch.randn(4, 3)
    y = reverse_gradient(x, 0.7)
    assert torch.equal(y, x)
    (y * weight).sum().backward()
    torch.testing.assert_close(x.grad, -0.7 * weight)


def test_pooling_and_adversary_loss_leave_out_what_does_not_count() -> None:
    hidden = torch.randn(2, 4, 3)
    mask = torch.tensor([[1, 1, 0, 0], [1, 1, 1, 1]])
    torch.testing.assert_close(mean_pool(hidden, mask)[0], hidden[0, :2].mean(dim=0))
    torch.testing.assert_close(mean_pool(hidden, None)[1], hidden[1].mean(dim=0))
    logits = torch.tensor([[2.0, 0.0], [0.0, 1.0], [5.0, 0.0]])
    losses, accuracy = adversary_loss(logits, torch.tensor([0, -1, 1]))
    torch.testing.assert_close(losses, torch.tensor([0.126928, 0.0, 5.006715]), atol=1e-5, rtol=0)
    assert float(accuracy) == 0.5
    assert float(adversary_loss(logits, torch.full((3,), -1))[1]) == 0.5


def lm_loss(model: Any, batch: Any, **forward: Any) -> Losses:
    outputs = model(input_ids=batch["input_ids"], **forward)
    each = torch.nn.functional.cross_entropy(
        outputs.logits[:, :-1].flatten(0, 1), batch["input_ids"][:, 1:].flatten(), reduction="none"
    ).view(len(batch["input_ids"]), -1)
    return Losses(each.sum(dim=1), torch.full((len(each),), float(each.shape[1])), outputs)


def gradients(strength: float, parts: Sequence[slice]) -> tuple[dict[str, torch.Tensor], TrainingRun]:
    documents = [Document("x", fields={"group": name}) for name in ("a", "b", "c")]
    run = run_of(model_of("llama"), documents)
    technique = AdversarialDebias(strength=strength)
    technique.before_training(run)
    wrapped = technique.wrap_loss(lm_loss, run)
    ids = torch.randint(7, len(TOKENIZER), (4, 6), generator=torch.Generator().manual_seed(2))
    groups = torch.tensor([0, 2, -1, 1])
    for part in parts:
        wrapped(run.model, {"input_ids": ids[part], "field_group": groups[part]}).sums.sum().backward()
    both = [*run.model.named_parameters(), *run.auxiliary.named_parameters()]
    return {name: p.grad.clone() for name, p in both if p.grad is not None}, run


def test_the_adversary_learns_plainly_and_the_model_in_reverse() -> None:
    whole = [slice(None)]
    none, run = gradients(0.0, whole)
    once, twice = gradients(1.0, whole)[0], gradients(2.0, whole)[0]
    adversary: Any = run.auxiliary["adversary0"]
    assert adversary[-1].out_features == 3
    name = "model.layers.0.mlp.down_proj.weight"
    assert float((once[name] - none[name]).abs().max()) > 1e-4
    torch.testing.assert_close(twice[name] - none[name], 2 * (once[name] - none[name]), atol=1e-5, rtol=1e-3)
    for adversary in ("adversary0.0.weight", "adversary0.2.bias"):
        torch.testing.assert_close(once[adversary], none[adversary])


def test_gradients_do_not_depend_on_the_cut_into_micro_batches() -> None:
    whole, cut = gradients(1.0, [slice(None)])[0], gradients(1.0, [slice(0, 1), slice(1, 4)])[0]
    for name, gradient in whole.items():
        torch.testing.assert_close(cut[name], gradient, atol=1e-5, rtol=1e-3)


def test_the_adversary_needs_two_values_and_no_draw_of_the_run() -> None:
    with pytest.raises(PluglmError, match="only the value 'a'"):
        AdversarialDebias().before_training(run_of(model_of("llama"), [Document("x", fields={"group": "a"})]))
    with pytest.raises(PluglmError, match="found none"):
        AdversarialDebias().before_training(run_of(model_of("llama"), [Document("x")]))
    assert AdversarialDebias(field="origin").columns() == ("origin",)
    documents = [Document("x", fields={"group": name}) for name in ("a", "b")]
    run, state = run_of(model_of("llama"), documents), torch.get_rng_state()
    AdversarialDebias().before_training(run)
    assert torch.equal(torch.get_rng_state(), state)


@pytest.mark.parametrize(
    ("text", "swapped"),
    [
        ("He saw her mother.", "She saw his father."),
        ("I gave her the book", "I gave him the book"),
        ("I saw HER.", "I saw HIM."),
        ("the choice was his", "the choice was hers"),
        ("His old car; a friend of his", "Her old car; a friend of hers"),
        ("He told him himself", "She told her herself"),
        ("that is hers", "that is his"),
        ("Mr and Mrs Jones", "Ms and Mr Jones"),
        ("She's a she-wolf", "He's a he-wolf"),
        ("the other theme, human, he_x", "the other theme, human, he_x"),
        ("hE", "hE"),
    ],
)
def test_swaps(text: str, swapped: str) -> None:
    assert swap(text, GENDER_PAIRS) == swapped


BIJECTIVE = [word for pair in GENDER_PAIRS for word in pair]
CASED = st.sampled_from(BIJECTIVE).flatmap(lambda word: st.sampled_from([word, word.capitalize(), word.upper()]))
OTHER = st.text(max_size=8).filter(
    lambda text: not {"her", "his", *ONE_WAY} & set("".join(c if c.isalpha() else " " for c in text.lower()).split())
)


@given(st.lists(st.one_of(CASED, OTHER), max_size=20), st.sampled_from([" ", "\n", ", ", "-"]))
def test_swapping_twice_changes_nothing_on_the_two_sided_pairs(words: list[str], separator: str) -> None:
    text = separator.join(words)
    assert swap(swap(text, GENDER_PAIRS), GENDER_PAIRS) == text


def test_names_swap_only_as_names() -> None:
    assert swap("John may rob mary", GENDER_PAIRS, names=True) == "Jennifer may rob mary"
    assert swap("John", GENDER_PAIRS) == "John"
    words = [word for pair in (*GENDER_PAIRS, *NAME_PAIRS) for word in pair]
    assert len(set(words)) == len(words)
    assert not set(words) & {"her", "his", *ONE_WAY}


def test_copies_are_added_or_take_the_place() -> None:
    documents = [Document("the king", "1", fields={"title": "he", "n": 3}), Document("no one", "2")]
    both = list(Counterfactual(fields=("text", "title")).change_documents(documents, Random(0)))
    assert [document.id for document in both] == ["1", "1#counterfactual", "2"]
    assert both[0] == documents[0]
    assert (both[1].text, both[1].fields) == ("the queen", {"title": "she", "n": 3})
    only = list(Counterfactual(mode="replace").change_documents(documents, Random(0)))
    assert [document.text for document in only] == ["the queen", "no one"]
    assert list(Counterfactual(probability=0).change_documents(documents, Random(0))) == documents
    many = [Document("a king", str(number)) for number in range(1000)]
    assert 400 < len(list(Counterfactual(probability=0.5).change_documents(many, Random(0)))) - 1000 < 600


def test_own_pairs_must_be_two_sided() -> None:
    own = Counterfactual(words=(("Christian", "muslim"),), mode="replace")
    assert [d.text for d in own.change_documents([Document("A Christian man")], Random(0))] == ["A Muslim woman"]
    for bad in ((("king", "mayor"),), (("two words", "one"),)):
        with pytest.raises(ValidationError):
            Counterfactual(words=bad)
