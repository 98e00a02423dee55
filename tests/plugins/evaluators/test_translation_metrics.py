"""BLEU and chrF against sacrebleu on what a model writes."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
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


class Echo:
    """Writes the source again."""

    def generate(self, ids, attention_mask, **options):
        return ids


def scored(pairs, **parameters):
    documents = [Document(source, fields={"target": target}) for source, target in pairs]
    objective = Translation()
    notes: list[str] = []

    def batches():
        rows = [row for document in documents for row in objective.examples(document, BYTE, 64, {})]
        yield objective.collate(rows, BYTE, [])

    given = Evaluation(
        Echo(), BYTE, objective, batches, lambda: iter(()), lambda: iter(documents), 64, 0, Path("unused"), notes.append
    )
    return {score.name: score for score in TranslationMetrics(**parameters).evaluate(given)}, notes


@pytest.mark.parametrize(
    ("written", "target", "tokenize"),
    [
        ("我爱北京和上海的天气", "我爱北京和南京的天气", "zh"),
        ("สวัสดีครับผมชื่อสมชาย", "สวัสดีครับผมชื่อสมศรี", "char"),
        ("das ist ein kleines Haus", "das ist ein großes Haus", "13a"),
        ("это очень маленький дом", "это очень большой дом", "13a"),
    ],
)
def test_bleu_counts_the_words_of_the_language(written, target, tokenize):
    scores, notes = scored([(written, target)] * 2)
    right = sacrebleu.corpus_bleu([written] * 2, [[target] * 2], tokenize=tokenize).score
    assert scores["bleu"].value == pytest.approx(right) and scores["bleu"].value > 10
    for name, also in (("bleu", f"tok:{tokenize}"), ("chrf", "nc:6"), ("bleu_of_source", f"tok:{tokenize}")):
        assert "nrefs:1" in scores[name].meaning and also in scores[name].meaning
    assert any(f"tok:{tokenize}" in note for note in notes) and any("chrf" in note for note in notes)


@pytest.mark.parametrize(
    ("text", "tokenize"), [("私は東京に住んでいます", "ja-mecab"), ("나는 서울에 살고 있습니다", "ko-mecab")]
)
def test_japanese_and_korean_without_their_packages_are_counted_by_characters(text, tokenize, monkeypatch):
    from pluglm_evaluators import translation_metrics

    monkeypatch.setattr(translation_metrics, "find_spec", lambda name: None)
    scores, notes = scored([(text, text)] * 2)
    assert "tok:char" in scores["bleu"].meaning
    assert any(f"since {tokenize} needs pip install 'sacrebleu" in note for note in notes)
    run = SimpleNamespace(evaluator={"mine": TranslationMetrics(tokenize=tokenize)})
    (problem,) = run.evaluator["mine"].problems(run)
    assert problem.path == "evaluator.mine.tokenize" and "not installed" in problem.reason
    assert "tok:intl" in scored([(text, text)] * 2, tokenize="intl")[0]["bleu"].meaning


def test_pieces_of_one_text_are_no_translation():
    from pluglm_objectives.span_corruption import SpanCorruption

    notes: list[str] = []
    given = replace(evaluation(Translation(), notes, None), objective=SpanCorruption())
    assert not list(TranslationMetrics().evaluate(given))
    assert "pieces of one text" in notes[0]
