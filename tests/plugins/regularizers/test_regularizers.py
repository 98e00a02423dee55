"""Regularizers against torch's own optimizers and by hand."""

from __future__ import annotations

import copy
import json
import math
from pathlib import Path
from typing import Any

import pytest
import torch
from pydantic import ValidationError
from small_models import VOCABULARY, bert, gpt2, llama, run_of

from pluglm import Losses, PluglmError, Step, TrainingRun
from pluglm_regularizers.dropout import Dropout, role_of
from pluglm_regularizers.early_stopping import EarlyStopping, copy_weights
from pluglm_regularizers.l1 import L1, soft_threshold
from pluglm_regularizers.l2 import L2


def batch() -> dict[str, torch.Tensor]:
    generator = torch.Generator().manual_seed(1)
    return {"input_ids": torch.randint(0, VOCABULARY, (3, 8), generator=generator)}


def loss(model: Any, batch: Any, **forward: Any) -> Losses:
    outputs = model(input_ids=batch["input_ids"], **forward)
    each = torch.nn.functional.cross_entropy(
        outputs.logits[:, :-1].flatten(0, 1), batch["input_ids"][:, 1:].flatten(), reduction="none"
    )
    sums = each.view(len(batch["input_ids"]), -1).sum(dim=1)
    return Losses(sums, torch.full_like(sums, 7.0), outputs)


def mean(losses: Losses) -> torch.Tensor:
    return losses.sums.sum() / losses.counts.sum()


def matrices(model: Any) -> list[torch.nn.Parameter]:
    return [p for name, p in model.named_parameters() if p.ndim == 2 and "embed" not in name]


def test_l2_is_the_weight_decay_of_sgd() -> None:
    strength, rate = 0.3, 0.05
    by_penalty, by_decay = llama(), llama()
    mean(L2(strength=strength).wrap_loss(loss, run_of(by_penalty))(by_penalty, batch())).backward()
    torch.optim.SGD(by_penalty.parameters(), lr=rate).step()
    mean(loss(by_decay, batch())).backward()
    chosen = matrices(by_decay)
    others = [p for p in by_decay.parameters() if all(p is not one for one in chosen)]
    groups: list[dict[str, Any]] = [{"params": chosen, "weight_decay": strength}, {"params": others}]
    torch.optim.SGD(groups, lr=rate).step()
    for ours, theirs in zip(by_penalty.parameters(), by_decay.parameters(), strict=True):
        torch.testing.assert_close(ours, theirs, atol=1e-6, rtol=1e-5)


@pytest.mark.parametrize(("which", "technique", "power"), [("matrices", L1, 1), ("all", L1, 1), ("all", L2, 2)])
def test_a_penalty_adds_its_formula_to_the_mean_loss(which: Any, technique: Any, power: int) -> None:
    model = llama()
    losses = technique(strength=0.01, parameters=which).wrap_loss(loss, run_of(model))(model, batch())
    chosen = matrices(model) if which == "matrices" else list(model.parameters())
    expected = 0.01 * sum(float((p.detach().double().abs() ** power).sum()) for p in chosen) / power
    assert float(mean(losses) - mean(loss(model, batch()))) == pytest.approx(expected, rel=1e-4)
    assert float(losses.metrics[technique.name]) == pytest.approx(expected, rel=1e-4)


def test_the_proximal_step_minimises_its_objective() -> None:
    w = torch.linspace(-1, 1, 41, dtype=torch.double)
    grid = torch.linspace(-1, 1, 4001, dtype=torch.double)
    cost = (grid[None] - w[:, None]) ** 2 / 2 + 0.3 * grid.abs()[None]
    torch.testing.assert_close(soft_threshold(w, 0.3), grid[cost.argmin(dim=1)], atol=5e-4, rtol=0)


def test_proximal_l1_makes_exact_zeros_in_matrices_alone() -> None:
    model = llama()
    before = copy_weights(model)
    technique = L1(mode="proximal", strength=0.2)
    assert technique.wrap_loss(loss, run_of(model)) is loss
    technique.after_step(run_of(model), Step(1, 0.05, 1.0))
    for name, parameter in model.named_parameters():
        if any(parameter is one for one in matrices(model)):
            small = before[name].abs() <= 0.05 * 0.2
            assert 0 < int(small.sum()) < small.numel()
            assert torch.equal(parameter == 0, small)
        else:
            assert torch.equal(parameter, before[name])


@pytest.mark.parametrize("make", [llama, gpt2, bert])
def test_no_dropout_is_the_identity(make: Any) -> None:
    plain, model = make(), make()
    Dropout(attention=0, residual=0, embedding=0).before_training(run_of(model))
    assert torch.equal(plain.train()(**batch()).logits, model.train()(**batch()).logits)


@pytest.mark.parametrize("make", [llama, gpt2, bert])
@pytest.mark.parametrize("role", ["attention", "residual", "embedding"])
def test_every_kind_of_dropout_acts_in_training_only(make: Any, role: str, tmp_path: Path) -> None:
    model, plain = make(), make()
    chosen = {"attention": 0.0, "residual": 0.0, "embedding": 0.0} | {role: 0.5}
    Dropout(**chosen).before_training(run_of(model))
    model.train()
    first, second = (model(**batch()).logits for _ in range(2))
    assert not torch.equal(first, second)
    assert not torch.equal(first, plain.train()(**batch()).logits)
    copied = copy.deepcopy(model).eval()
    assert torch.equal(copied(**batch()).logits, plain.eval()(**batch()).logits)
    copied.save_pretrained(tmp_path / "with")
    plain.save_pretrained(tmp_path / "without")
    configs = [json.loads((tmp_path / name / "config.json").read_text()) for name in ("with", "without")]
    assert configs[0] == configs[1]
    loaded = type(model).from_pretrained(tmp_path / "with").train()
    torch.testing.assert_close(loaded(**batch()).logits, plain.train()(**batch()).logits)


def test_dropped_residual_outputs_are_zero_or_scaled() -> None:
    model = llama()
    Dropout(attention=0, residual=0.25, embedding=0).before_training(run_of(model))
    layer, x = model.model.layers[0].mlp.down_proj, torch.randn(4, 500, 48)
    ratio = layer.train()(x) / torch.nn.functional.linear(x, layer.weight)
    dropped = ratio == 0
    torch.testing.assert_close(ratio[~dropped], torch.full_like(ratio[~dropped], 4 / 3))
    assert float(dropped.float().mean()) == pytest.approx(0.25, abs=0.01)


def test_dropout_modules_by_where_they_sit() -> None:
    assert role_of("transformer.h.0.attn.attn_dropout") == "attention"
    assert role_of("bert.encoder.layer.0.attention.self.dropout") == "attention"
    assert role_of("bert.encoder.layer.0.attention.output.dropout") == "residual"
    assert role_of("transformer.drop") == role_of("bert.embeddings.dropout") == "embedding"
    assert role_of("transformer.h.0.attn.resid_dropout") == role_of("dropout") == "residual"


def feed(technique: EarlyStopping, run: TrainingRun, values: list[float]) -> list[int]:
    """The validations, counted from 1, at which it says stop."""
    return [
        number
        for number, value in enumerate(values, 1)
        if technique.should_stop(run, Step(number * 10, 0.1, value), {"loss": value, "accuracy": -value})
    ]


def test_early_stopping_counts_validations_without_improvement() -> None:
    values = [3.0, 2.0, 2.1, 1.9, 1.95, 1.9, 2.0, math.nan]
    assert feed(EarlyStopping(patience=3), run_of(llama()), values)[0] == 7
    assert feed(EarlyStopping(patience=2, min_delta=0.5), run_of(llama()), values)[0] == 4
    assert feed(EarlyStopping(patience=3, monitor="accuracy", mode="max"), run_of(llama()), values)[0] == 7
    assert feed(EarlyStopping(patience=8), run_of(llama()), values) == []


def test_early_stopping_ends_with_the_best_weights() -> None:
    notes: list[str] = []
    run = run_of(llama(), notes)
    technique, copies = EarlyStopping(patience=9), []
    for number, value in enumerate([3.0, 1.0, 2.0], 1):
        with torch.no_grad():
            for parameter in run.model.parameters():
                parameter.add_(torch.randn_like(parameter))
        copies.append(copy_weights(run.model))
        technique.should_stop(run, Step(number, 0.1, value), {"loss": value})
    technique.after_training(run)
    assert all(torch.equal(tensor, copies[1][name]) for name, tensor in copy_weights(run.model).items())
    assert "step 2" in notes[0]


def test_early_stopping_can_leave_the_last_weights_and_names_what_there_is_to_watch() -> None:
    run = run_of(llama())
    technique = EarlyStopping(restore_best=False)
    technique.should_stop(run, Step(1, 0.1, 1.0), {"loss": 1.0})
    assert "weights" not in run.state
    with pytest.raises(PluglmError, match=r"'bleu'.*loss"):
        EarlyStopping(monitor="bleu").should_stop(run, Step(1, 0.1, 1.0), {"loss": 1.0})


@pytest.mark.parametrize(
    ("technique", "bad"),
    [(L1, {"strength": -1}), (L2, {"strength": -1}), (Dropout, {"residual": 1.0}), (EarlyStopping, {"patience": 0})],
)
def test_bad_parameters_are_refused(technique: Any, bad: dict[str, Any]) -> None:
    with pytest.raises(ValidationError):
        technique(**bad)
