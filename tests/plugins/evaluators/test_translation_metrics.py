"""BLEU and chrF against sacrebleu on what a model writes."""

from __future__ import annotations

from types import SimpleNamespace
from typing import Any

import pytest
import torch

from pluglm import Document, Evaluation
from pluglm_evaluators.translation_metrics import TranslationMetrics
from pluglm_objectives.clm import Clm
from pluglm_objectives.translation import Translation
from pluglm_tokenizers.byte import Byte

sacrebleu = pytest.importorskip("sacrebleu")

BYTE = Byte().build(iter(()))
PAIRS = [("the cat sat on the mat", "die Katze saß auf der Matte"), ("a dog runs to the old house", "ein Hund rennt"),
         ("one two three four", "eins zwei drei vier"), ("x y", "u v")]  # fmt: skip
WRITTEN = ["die Katze saß auf einer Matte", "ein Hund rennt", "eins zwei drei fünf", ""]


class Writer:
    """Writes a given text for each source."""

    def __init__(self):
        self.asked = 0

    def generate(self, ids, attention_mask, **options):
        assert options["do_sample"] is False and attention_mask.shape == ids.shape
        sources = [
            BYTE.decode(row[mask.bool()], skip_special_tokens=True)
            for row, mask in zip(ids, attention_mask, strict=True)
        ]
        self.asked += len(sources)
        texts = [WRITTEN[[source for source, _ in PAIRS].index(source)] for source in sources]
        rows = [torch.tensor([0, *BYTE(text)["input_ids"], 3]) for text in texts]
        return torch.nn.utils.rnn.pad_sequence(rows, batch_first=True, padding_value=0)


def evaluation(objective, notes, model):
    documents = [Document(source, fields={"target": target}) for source, target in PAIRS]

    def batches():
        rows = [row for document in documents for row in objective.examples(document, BYTE, 64, {})]
        for start in (0, 3):
            yield objective.collate(rows[start : start + 3], BYTE, [])

    no_folder: Any = None
    return Evaluation(
        model, BYTE, objective, batches, lambda: iter(()), lambda: iter(documents), 64, 0, no_folder, notes.append
    )


def test_scores_are_those_of_sacrebleu():
    model = Writer()
    scores = {score.name: score for score in TranslationMetrics().evaluate(evaluation(Translation(), [], model))}
    targets = [target for _, target in PAIRS]
    assert scores["bleu"].value == sacrebleu.corpus_bleu(WRITTEN, [targets]).score
    assert scores["chrf"].value == sacrebleu.corpus_chrf(WRITTEN, [targets]).score
    sources = [source for source, _ in PAIRS]
    assert scores["bleu_of_source"].value == sacrebleu.corpus_bleu(sources, [targets]).score
    assert scores["bleu_of_source"].baseline and not scores["bleu"].baseline
    low, high = scores["bleu"].low, scores["bleu"].high
    assert low is not None and high is not None and low < high and scores["bleu"].n == model.asked == 4


def test_no_more_is_written_than_asked_for():
    model = Writer()
    scores = list(TranslationMetrics(examples=2).evaluate(evaluation(Translation(), [], model)))
    assert model.asked == 2 and all(score.n == 2 for score in scores)


def test_other_models_get_a_note():
    notes: list[str] = []
    assert not list(TranslationMetrics().evaluate(evaluation(SimpleNamespace(head=Clm.head), notes, None)))
    assert "writes no text for another" in notes[0]
