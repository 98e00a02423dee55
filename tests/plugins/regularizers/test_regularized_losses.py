"""Smoothed targets, two passes and perturbed embeddings against torch's own functions and the papers' formulas."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest
import torch
import torch.nn.functional as F
from pydantic import ValidationError
from small_models import llama, run_of

from pluglm import ConfigError, Losses, PluglmError, Scored
from pluglm.config.compose import compose
from pluglm_regularizers.adversarial import Adversarial
from pluglm_regularizers.label_smoothing import LabelSmoothing
from pluglm_regularizers.perturbation import Perturbed, ascended, drawn, lengths, within
from pluglm_regularizers.r_drop import RDrop, symmetric_kl

VOCABULARY, PAD = 40, 3


def batch() -> dict[str, torch.Tensor]:
    """Three examples, the last of them half padding."""
    generator = torch.Generator().manual_seed(1)
    ids = torch.randint(0, VOCABULARY, (3, 8), generator=generator)
    mask = torch.ones_like(ids)
    mask[2, 4:] = 0
    return {"input_ids": ids, "attention_mask": mask, "labels": ids.masked_fill(mask == 0, -100)}


def next_token(model: Any, batch: Any, **forward: Any) -> Losses:
    """A causal loss that keeps the contract: embeddings in place of ids, and the distributions behind it."""
    name = "inputs_embeds" if "inputs_embeds" in batch else "input_ids"
    outputs = model(**{name: batch[name]}, attention_mask=batch["attention_mask"], **forward)
    logits, labels = outputs.logits[:, :-1], batch["labels"][:, 1:]
    kept = labels != -100
    each = F.cross_entropy(logits.transpose(1, 2), labels, reduction="none", ignore_index=-100)
    scored = Scored(logits[kept], labels[kept], kept.nonzero()[:, 0])
    return Losses(each.sum(1), kept.sum(1).float(), outputs, scored=lambda: [scored])


def logits_of(model: Any) -> tuple[torch.Tensor, torch.Tensor]:
    given = batch()
    return model(input_ids=given["input_ids"], attention_mask=given["attention_mask"]).logits[:, :-1], given["labels"][
        :, 1:
    ]


def mean(losses: Losses) -> torch.Tensor:
    return losses.sums.sum() / losses.counts.sum()


def gradients(model: Any, losses: Losses) -> list[torch.Tensor]:
    model.zero_grad()
    losses.sums.sum().backward()
    return [p.grad.clone() for p in model.parameters()]


def test_label_smoothing_is_torchs() -> None:
    model = llama()
    losses = LabelSmoothing(smoothing=0.2).wrap_loss(next_token, run_of(model))(model, batch())
    logits, labels = logits_of(model)
    each = F.cross_entropy(logits.transpose(1, 2), labels, label_smoothing=0.2, reduction="none")
    torch.testing.assert_close(losses.sums, each.sum(dim=1))
    ours = gradients(model, losses)
    model.zero_grad()
    F.cross_entropy(logits_of(model)[0].transpose(1, 2), labels, label_smoothing=0.2, reduction="sum").backward()
    for gradient, parameter in zip(ours, model.parameters(), strict=True):
        torch.testing.assert_close(gradient, parameter.grad, atol=1e-5, rtol=1e-4)


def test_smoothing_obeys_the_weights_of_examples_and_counts_every_head() -> None:
    """Two heads over three examples that weigh 1, 2 and 0.5."""
    generator = torch.Generator().manual_seed(2)
    heads = [torch.randn(3, 5, generator=generator), torch.randn(3, 4, generator=generator)]
    targets, weights, rows = torch.tensor([0, 3, 1]), torch.tensor([1.0, 2.0, 0.5]), torch.arange(3)
    scored = [Scored(logits, targets, rows) for logits in heads]

    def loss(model: Any, batch: Any, **forward: Any) -> Losses:
        each = sum(F.cross_entropy(logits, targets, reduction="none") for logits in heads)
        return Losses(each * weights, weights, scored=lambda: scored)

    smoothed = LabelSmoothing(smoothing=0.3).wrap_loss(loss, run_of(llama()))(None, {})
    expected = sum(F.cross_entropy(logits, targets, reduction="none", label_smoothing=0.3) for logits in heads)
    torch.testing.assert_close(smoothed.sums, expected * weights)


def test_symmetric_kl_is_torchs() -> None:
    generator = torch.Generator().manual_seed(2)
    one, other = torch.randn(6, 5, generator=generator), torch.randn(6, 5, generator=generator)
    p, q = one.log_softmax(-1), other.log_softmax(-1)
    both = F.kl_div(q, p, log_target=True, reduction="none") + F.kl_div(p, q, log_target=True, reduction="none")
    torch.testing.assert_close(symmetric_kl(one, other), both.sum(-1) / 2)
    assert float(symmetric_kl(one, one).abs().max()) == 0


def dropping() -> Any:
    return llama(attention_dropout=0.3).train()


def test_r_drop_is_liang_et_al() -> None:
    model = dropping()
    torch.manual_seed(5)
    losses = RDrop(alpha=0.7).wrap_loss(next_token, run_of(model))(model, batch())
    torch.manual_seed(5)
    (one, labels), (other, _) = logits_of(model), logits_of(model)
    assert not torch.equal(one, other)
    p, q = one.log_softmax(-1), other.log_softmax(-1)
    kl = F.kl_div(q, p, log_target=True, reduction="none") + F.kl_div(p, q, log_target=True, reduction="none")
    nll = [F.cross_entropy(x.transpose(1, 2), labels, reduction="none").sum(1) for x in (one, other)]
    expected = sum(nll) / 2 + 0.7 * (kl.sum(-1) / 2 * (labels != -100)).sum(1)
    torch.testing.assert_close(losses.sums, expected)
    assert float(losses.metrics["divergence_of_passes"]) > 0


def test_r_drop_says_when_there_is_no_dropout() -> None:
    notes: list[str] = []
    model = llama().train()
    wrapped = RDrop().wrap_loss(next_token, run_of(model, notes))
    torch.testing.assert_close(wrapped(model, batch()).sums, next_token(model, batch()).sums)
    wrapped(model, batch())
    assert len(notes) == 1 and "no dropout" in notes[0]


@pytest.mark.parametrize("technique", [LabelSmoothing(), RDrop()])
def test_losses_that_are_no_cross_entropies_are_refused(technique: Any) -> None:
    def loss(model: Any, batch: Any, **forward: Any) -> Losses:
        return replace(next_token(model, batch, **forward), scored=None)

    model = llama()
    with pytest.raises(PluglmError, match=f"regularizer={technique.name} works on cross-entropies"):
        technique.wrap_loss(loss, run_of(model))(model, batch())


@pytest.mark.parametrize(
    "technique",
    [
        LabelSmoothing(smoothing=0),
        RDrop(alpha=0),
        *(Adversarial(epsilon=0, method=m) for m in ("fgm", "pgd", "freelb")),
    ],
)
def test_nothing_is_plain_training(technique: Any) -> None:
    assert technique.wrap_loss(next_token, run_of(llama())) is next_token


def by_hand(model: Any, epsilon: float, steps: int, step_size: float) -> tuple[torch.Tensor, list[torch.Tensor]]:
    """Where the gradient leads from 0, example by example, and the sums of losses at each point of the way."""
    given, delta = batch(), torch.zeros(3, 8, 32)
    sums = []
    for _ in range(steps + 1):
        point = delta.clone().requires_grad_()
        embedded = model.get_input_embeddings()(given["input_ids"])
        each = next_token(model, {**given, "inputs_embeds": embedded + point}).sums
        sums.append(each.detach())
        (gradient,) = torch.autograd.grad(each.sum(), point)
        for row in range(3):
            moved = delta[row] + step_size * gradient[row] / gradient[row].norm()
            delta[row] = moved * min(1.0, epsilon / float(moved.norm()))
    return delta, sums


def test_fgm_is_miyato_et_al() -> None:
    model = llama()
    losses = Adversarial(epsilon=0.3).wrap_loss(next_token, run_of(model))(model, batch())
    _, sums = by_hand(model, 0.3, 1, 0.3)
    torch.testing.assert_close(losses.sums, (sums[0] + sums[1]) / 2)
    assert bool((sums[1] > sums[0]).all()), "a step of 0.3 up the gradient makes the loss larger"
    torch.testing.assert_close(losses.metrics["adversarial_loss"], sums[1].sum() / losses.counts.sum())


def test_pgd_is_madry_et_al() -> None:
    model = llama()
    chosen = Adversarial(method="pgd", epsilon=0.3, steps=4, step_size=0.2, share=1)
    losses = chosen.wrap_loss(next_token, run_of(model))(model, batch())
    _, sums = by_hand(model, 0.3, 4, 0.2)
    torch.testing.assert_close(losses.sums, sums[4])


def test_freelb_is_the_mean_along_the_way_and_so_is_its_gradient() -> None:
    """Zhu et al., algorithm 1: the parameters' gradients are averaged over the points."""
    model = llama()
    torch.manual_seed(4)
    wrapped = Adversarial(method="freelb", epsilon=0.5, steps=3, step_size=0.2).wrap_loss(next_token, run_of(model))
    ours = gradients(model, wrapped(model, batch()))
    torch.manual_seed(4)
    perturbed = Perturbed(next_token, model, batch(), {}, "hand")
    delta = drawn(perturbed.none(), 0.5, perturbed.kept)
    expected = [torch.zeros_like(gradient) for gradient in ours]
    for _ in range(3):
        losses = perturbed(delta)
        (step,) = torch.autograd.grad(losses.sums.sum(), delta, retain_graph=True)
        for total, gradient in zip(expected, gradients(model, losses), strict=True):
            total += gradient / 3
        delta = within(delta.detach() + 0.2 * step / lengths(step), 0.5).requires_grad_()
    for gradient, one in zip(ours, expected, strict=True):
        torch.testing.assert_close(gradient, one, atol=1e-5, rtol=1e-4)


@pytest.mark.parametrize("epsilon", [0.01, 1.0, 50.0])
def test_perturbations_stay_in_the_ball_and_off_the_padding(epsilon: float) -> None:
    model = llama()
    perturbed = Perturbed(next_token, model, batch(), {}, "hand")
    torch.manual_seed(0)
    delta = drawn(perturbed.none(), epsilon, perturbed.kept)
    for _ in range(4):
        assert float(delta.detach().flatten(1).norm(dim=1).max()) <= epsilon * (1 + 1e-5)
        assert float(delta.detach()[2, 4:].abs().max()) == 0
        delta = ascended(delta, perturbed.gradient(perturbed(delta), delta), 0.7 * epsilon, epsilon)


@pytest.mark.parametrize("method", ["fgm", "pgd", "freelb"])
def test_parameters_get_no_gradient_on_the_way(method: Any) -> None:
    model = llama()
    losses = Adversarial(method=method).wrap_loss(next_token, run_of(model))(model, batch())
    assert all(parameter.grad is None for parameter in model.parameters())
    assert all(bool(gradient.isfinite().all()) for gradient in gradients(model, losses))


def test_an_objective_that_reads_ids_alone_is_refused() -> None:
    def loss(model: Any, batch: Any, **forward: Any) -> Losses:
        return next_token(model, {name: value for name, value in batch.items() if name != "inputs_embeds"}, **forward)

    model = llama()
    with pytest.raises(PluglmError, match="does not read the batch's inputs_embeds"):
        Adversarial().wrap_loss(loss, run_of(model))(model, batch())


def test_targets_are_smoothed_once() -> None:
    words = ["objective=classification", "objective.label_smoothing=0.1", "regularizer=[label_smoothing]"]
    with pytest.raises(ConfigError, match=r"objective\.label_smoothing=0\.1"):
        compose(words)
    compose([*words, "regularizer.label_smoothing.smoothing=0"])


@pytest.mark.parametrize(
    ("technique", "bad"),
    [
        (LabelSmoothing, {"smoothing": 1}),
        (RDrop, {"alpha": -1}),
        (Adversarial, {"epsilon": -1}),
        (Adversarial, {"steps": 2}),
        (Adversarial, {"step_size": 0.1}),
        (Adversarial, {"method": "pgd", "share": 0}),
    ],
)
def test_bad_parameters_are_refused(technique: Any, bad: dict[str, Any]) -> None:
    with pytest.raises(ValidationError):
        technique(**bad)
