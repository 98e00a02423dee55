"""Objectives."""

from __future__ import annotations

import copy
import json
from typing import TYPE_CHECKING, Any

import pytest

from pluglm import Objective
from pluglm.testing import samples
from pluglm.testing.samples import ObjectiveMaterial

if TYPE_CHECKING:
    from transformers import PreTrainedModel, PreTrainedTokenizerFast

pytestmark = pytest.mark.family("objective")


@pytest.fixture
def material(technique: Objective, words: PreTrainedTokenizerFast) -> ObjectiveMaterial:
    """Its examples of the kit's documents."""
    return ObjectiveMaterial(technique, words)


@pytest.fixture
def model(material: ObjectiveMaterial) -> PreTrainedModel:
    """A small model with its head."""
    try:
        return material.model()
    except KeyError:
        pytest.skip(f"the kit has no {material.objective.head}")


def test_what_is_fitted_is_plain_json(material: ObjectiveMaterial) -> None:
    assert json.loads(json.dumps(material.fitted)) == material.fitted


def test_examples_fit_into_the_sequence_length(material: ObjectiveMaterial) -> None:
    lengths = [len(row["input_ids"]) for row in material.every_row]
    assert lengths and all(lengths), "no examples, or an empty one"
    assert max(lengths) <= samples.LENGTH


def test_documents_that_cannot_serve_are_refused_by_value_error(
    technique: Objective, material: ObjectiveMaterial
) -> None:
    """Texts and fields as they should not be: the document gives examples, or none, or is quarantined by a ValueError
    whose message says why."""
    usual = material.documents[0]
    given = [*samples.odd_documents()]
    for name in technique.required_fields():
        for odd in ("", [], 7, "\x00", ["a", ""]):
            document = copy.deepcopy(usual)
            if name == "text":
                document.text = str(odd)
            else:
                document.fields[name] = odd
            given.append(document)
    for document in given:
        if any(document.get(name) is None for name in technique.required_fields()):
            continue
        try:
            rows = list(technique.examples(document, material.words, samples.LENGTH, material.fitted))
        except ValueError as error:
            assert str(error).strip(), "a ValueError that does not say why"
        except Exception as error:
            shown = f"{document.text[:20]!r} {document.fields}"
            raise AssertionError(f"{shown} ended in {type(error).__name__}: {error}; raise ValueError(why)") from error
        else:
            assert all(len(row["input_ids"]) for row in rows), "an example without tokens"


def test_collate_is_a_function_of_its_generators(material: ObjectiveMaterial, untouched_randomness: None) -> None:
    import torch

    whole, again = material.collate(), material.collate()
    assert whole.keys() == again.keys()
    for name, value in whole.items():
        if isinstance(value, torch.Tensor):
            assert torch.equal(value, again[name]), f"{name}: another batch, though the generators were the same"
            assert len(value) == len(material.rows), f"{name}: the first dimension is the example"


def test_loss_gives_sums_and_counts_by_example(material: ObjectiveMaterial, model: PreTrainedModel) -> None:
    losses = material.objective.loss(model, material.collate())
    assert losses.sums.shape == losses.counts.shape == (len(material.rows),)
    assert losses.sums.isfinite().all() and (losses.counts >= 0).all() and losses.counts.sum() > 0


def test_loss_hands_keywords_to_the_model(material: ObjectiveMaterial, model: PreTrainedModel) -> None:
    shown = material.objective.loss(model, material.collate(), output_hidden_states=True).outputs
    hidden = "decoder_hidden_states" if model.config.is_encoder_decoder else "hidden_states"
    assert shown is not None and shown[hidden] is not None, "**forward did not reach the model"


def test_loss_does_not_depend_on_how_a_batch_is_cut(material: ObjectiveMaterial, model: PreTrainedModel) -> None:
    """Accumulation, micro-batches and processes cut batches: the mean over all of them, and its gradient, stay."""
    import torch

    objective = material.objective
    losses = objective.loss(model, material.collate())
    losses.sums.sum().backward()  # type: ignore[no-untyped-call]
    expected = [None if p.grad is None else p.grad.clone() for p in model.parameters()]
    model.zero_grad()
    parts = [objective.loss(model, material.collate(*cut)) for cut in ((0, 3), (3, len(material.rows)))]
    sum(part.sums.sum() for part in parts).backward()  # type: ignore[union-attr]
    torch.testing.assert_close(torch.cat([part.sums for part in parts]), losses.sums, rtol=1e-4, atol=1e-4)
    torch.testing.assert_close(torch.cat([part.counts for part in parts]), losses.counts)
    for parameter, gradient in zip(model.parameters(), expected, strict=True):
        if gradient is not None:
            torch.testing.assert_close(parameter.grad, gradient, rtol=1e-3, atol=1e-4)


def test_predictions_stand_beside_what_is_right(material: ObjectiveMaterial, model: PreTrainedModel) -> None:
    answered: Any = material.objective.predict(model, material.collate())
    for predictions in (answered, *answered.also):
        assert predictions.predicted.shape == predictions.target.shape == predictions.example.shape
        assert ((predictions.example >= 0) & (predictions.example < len(material.rows))).all()
        assert predictions.task or not answered.also, "several tasks need names"
