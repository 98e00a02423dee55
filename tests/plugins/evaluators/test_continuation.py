"""The continuation of held-out text, against logits made by hand and transformers' own writing."""

from __future__ import annotations

import math
from types import SimpleNamespace
from typing import Any

import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st

from pluglm import Document, Evaluation
from pluglm.config.compose import compose
from pluglm.errors import ConfigError
from pluglm.testing import samples
from pluglm_evaluators.continuation import (
    Continuation,
    edit_distance,
    log_likelihoods,
    windows,
    written_tokens,
)
from pluglm_objectives.classification import Classification
from pluglm_objectives.clm import Clm
from pluglm_tokenizers.byte import Byte

BYTE = Byte().build(iter(()))
TEXTS = ["abcdefgh" * 6, "hgfedcba" * 3, "abc", "aaaaaaaabbbbbbbb"]


class Alphabet:
    """A model that thinks the next letter of the alphabet e times as likely as any other, and after h the text over."""

    device = torch.device("cpu")

    def __call__(self, input_ids, attention_mask, use_cache):
        logits = torch.zeros(*input_ids.shape, len(BYTE))
        return SimpleNamespace(logits=logits.scatter(2, self.after(input_ids)[..., None], 1.0))

    def after(self, ids):
        last = BYTE.convert_tokens_to_ids("h")
        return torch.where(ids == last, BYTE.eos_token_id, ids + 1)

    def generate(self, ids, attention_mask, max_new_tokens, do_sample, num_beams, pad_token_id):
        assert not do_sample and num_beams == 1
        rows = ids
        for _ in range(max_new_tokens):
            over = (rows[:, -1:] == BYTE.eos_token_id) | (rows[:, -1:] == pad_token_id)
            rows = torch.cat([rows, torch.where(over, pad_token_id, self.after(rows[:, -1:]))], 1)
            if bool(over.all()):
                # As transformers does where every text is over.
                return rows[:, :-1]
        return rows


def evaluation(model, texts=TEXTS, objective=None, notes=None, tokenizer=BYTE):
    no_folder: Any = None
    documents = [Document(text) for text in texts]
    said: Any = notes.append if notes is not None else None
    made = objective or Clm()
    return Evaluation(
        model, tokenizer, made, lambda: iter(()), lambda: iter(()), lambda: iter(documents), 64, 0, no_folder, said
    )


def scores(technique, *args, **options):
    with torch.no_grad():
        return {score.name: score for score in technique.evaluate(evaluation(*args, **options))}


def test_measures_by_hand():
    # Pieces of 8 letters: 6 of abcdefgh, 3 of hgfedcba, aaaaaaaa and bbbbbbbb; the model is given 5 letters of each.
    found = scores(Continuation(prefix_tokens=5, length=3, prompts=100), Alphabet())
    assert {score.n for score in found.values()} == {11}
    # It writes fgh, efg (instead of cba), bcd (instead of aaa), cde (instead of bbb).
    assert found["exact_match"].value == pytest.approx(6 / 11)
    assert found["token_accuracy"].value == pytest.approx(6 / 11)
    assert found["edit_distance"].value == pytest.approx((6 * 0 + 3 * 3 + 2 * 3) / 3 / 11)
    likely, other = 1 - math.log(math.e + len(BYTE) - 1), -math.log(math.e + len(BYTE) - 1)
    assert found["log_likelihood"].value == pytest.approx((6 * likely + 5 * other) / 11, rel=1e-6)
    for score in found.values():
        assert score.low <= score.value <= score.high
    assert [score.kind for score in found.values()] == ["exact", "continuous", "continuous", "continuous"]


def test_what_is_over_is_wrong():
    found = scores(Continuation(prefix_tokens=6, length=4, prompts=100), Alphabet(), texts=["abcdefghab"])
    # It writes "gh", and there the text is over.
    assert found["token_accuracy"].value == 0.5 and found["exact_match"].value == 0.0
    assert found["edit_distance"].value == 0.5


def test_writes_what_a_loop_over_the_logits_writes():
    words = samples.tokenizer()
    model = samples.model("AutoModelForCausalLM", words).eval()
    prefixes = torch.tensor(windows(lambda: samples.documents(6), words, 10, 6))
    expected = prefixes
    with torch.no_grad():
        for _ in range(5):
            expected = torch.cat([expected, model(input_ids=expected).logits[:, -1:].argmax(-1)], 1)
        written = written_tokens(model, prefixes, 5, words.pad_token_id)
        logits = model(input_ids=expected).logits
        # The loss of transformers is that of every token but the first.
        losses = [model(input_ids=row[None], labels=row[None]).loss.item() for row in expected]
    assert written.equal(expected[:, 10:])
    likelihoods = log_likelihoods(logits, expected, expected.shape[1] - 1)
    assert likelihoods.tolist() == pytest.approx([-loss for loss in losses], rel=1e-5)


def test_pieces_are_spread_and_bounded():
    documents = [Document(chr(97 + number) * 100) for number in range(10)]

    def spread(most):
        return [(BYTE.decode(ids)[0], len(ids)) for ids in windows(lambda: documents, BYTE, 20, most)]

    assert spread(10) == [(chr(97 + n), 20) for n in range(10)]
    assert spread(5) == [(chr(97 + n), 20) for n in range(0, 10, 2)]
    assert len(spread(25)) == 25 and len(spread(1000)) == 50
    numbers = [Document("".join(chr(97 + n) * 10 for n in range(8)))]
    assert [BYTE.decode(ids)[0] for ids in windows(lambda: numbers, BYTE, 10, 4)] == ["a", "c", "e", "g"]
    assert windows(lambda: [], BYTE, 10, 4) == []


@given(st.lists(st.integers(0, 3), max_size=7), st.lists(st.integers(0, 3), max_size=7))
def test_edit_distance_is_that_of_nltk(a, b):
    from nltk.metrics.distance import edit_distance as of_nltk

    assert edit_distance(a, b) == of_nltk(a, b)


def test_says_why_there_is_no_score():
    notes: list[str] = []
    assert not scores(Continuation(), Alphabet(), objective=Classification(), notes=notes)
    assert not scores(Continuation(), Alphabet(), texts=["too short"], notes=notes)
    assert "AutoModelForSequenceClassification does not go on with text" in notes[0]
    assert "no held-out document has 32 tokens" in notes[1]


def test_more_tokens_than_the_model_takes_is_a_mistake():
    words = ["evaluator=[continuation]", "data.sequence_length=64", "evaluator.continuation.prefix_tokens=60"]
    with pytest.raises(ConfigError, match=r"prefix_tokens=60: and length=8 are more than data.sequence_length=64"):
        compose(words)
    compose([*words, "evaluator.continuation.length=4"])
