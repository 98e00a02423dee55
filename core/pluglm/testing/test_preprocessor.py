"""Preprocessors."""

from __future__ import annotations

import copy
import pickle
import re
from typing import Any

import pytest

from pluglm import CorpusPreprocessor, Document, Dropped, Preprocessor
from pluglm.corpus.keys import KeyList
from pluglm.testing import samples

pytestmark = [pytest.mark.family("preprocessor"), pytest.mark.usefixtures("untouched_randomness")]

REASON = "a reason is a short code such as too_short"
Either = Preprocessor | CorpusPreprocessor


def alone(technique: Either) -> Preprocessor:
    """The technique, where it looks at one document."""
    if not isinstance(technique, Preprocessor):
        pytest.skip("compares documents")
    return technique


def test_process_leaves_the_document_it_is_given_alone(technique: Either) -> None:
    technique = alone(technique)
    given = samples.documents() + samples.odd_documents()
    kept = copy.deepcopy(given)
    for item in given:
        technique.process(item)
    assert given == kept, "it was changed; make a copy (map_text, dataclasses.replace)"


def test_process_sees_one_document_at_a_time(technique: Either) -> None:
    technique = alone(technique)
    given = samples.documents() + samples.odd_documents()
    first = [technique.process(copy.deepcopy(item)) for item in given]
    # In another order, because any document may be processed anywhere.
    second = [technique.process(item) for item in reversed(given)][::-1]
    assert first == second, "what becomes of a document depends on those before it"


def test_process_gives_a_document_or_a_reason(technique: Either) -> None:
    technique = alone(technique)
    for before in samples.documents() + samples.odd_documents():
        after = technique.process(copy.deepcopy(before))
        if isinstance(after, Dropped):
            assert re.fullmatch(r"[a-z][a-z0-9_]*", after.reason), REASON
        else:
            assert isinstance(after, Document), "a document that is left out is Dropped(reason), never just gone"
            assert after.id == before.id, "a document keeps its id"


def test_process_keeps_to_its_fields(kind: type[Either], values: dict[str, Any]) -> None:
    technique = alone(kind.model_validate({**values, "fields": ("no_such_field",)}))
    for before in samples.documents(10):
        after = technique.process(before)
        if isinstance(after, Document):
            assert after.text == before.text, "the text was changed, though `fields` does not name it"


def corpus(technique: Either) -> tuple[CorpusPreprocessor, list[Document], KeyList]:
    """Documents, some of them twice, and their keys."""
    if not isinstance(technique, CorpusPreprocessor):
        pytest.skip("looks at one document")
    given = samples.documents() + samples.odd_documents() + samples.documents(3)
    return technique, given, KeyList(technique.key(item) for item in given)


def test_key_is_plain(technique: Either) -> None:
    _, _, keys = corpus(technique)
    for key in keys:
        parts = key if isinstance(key, tuple) else (key,)
        plain = all(isinstance(part, bytes | str | int) for part in parts)
        assert plain, "a key is bytes, text, an int or a tuple of these"


def test_decide_gives_one_decision_for_each_key(technique: Either) -> None:
    technique, given, keys = corpus(technique)
    decisions = list(technique.decide(keys))
    assert len(decisions) == len(given), "the ledger does not balance otherwise"
    assert decisions == list(technique.decide(keys)), "other decisions when it is asked again"
    sent = pickle.loads(pickle.dumps(keys))
    assert decisions == list(technique.decide(sent)), "keys that another process made decide otherwise"


def test_apply_carries_out_a_decision(technique: Either) -> None:
    technique, given, keys = corpus(technique)
    for before, decision in zip(given, technique.decide(keys), strict=False):
        after = technique.apply(before, decision)
        assert after == technique.apply(before, decision)
        if isinstance(after, Dropped):
            assert re.fullmatch(r"[a-z][a-z0-9_]*", after.reason), REASON
        else:
            assert after.id == before.id, "a document keeps its id"
            assert decision is not None or after is before, "None keeps a document as it is"
