"""Sources, preprocessors and augmenters."""

from __future__ import annotations

import copy
import pickle
import re
from itertools import chain, islice
from pathlib import Path
from random import Random

import pytest

from pluglm import Augmenter, CorpusPreprocessor, Document, Dropped, Preprocessor, Source, Unreadable
from pluglm.corpus.keys import KeyList
from pluglm.testing import samples

ODD = (
    "",
    " ",
    "\n\n\n",
    "a",
    "\x00\x07",
    "é\u0301 ﬁ \u200b",
    "日本語のテキスト",
    "😀" * 5,
    "word " * 2000,
    "a\r\nb\r\n",
)
MOST = 300

pytestmark = pytest.mark.usefixtures("untouched_randomness")


def odd_documents() -> list[Document]:
    """Documents as they should not be, but are."""
    return [Document(text, id=f"odd-{number}", source="samples") for number, text in enumerate(ODD)]


@pytest.mark.family("source")
def test_source_is_repeatable(technique: Source) -> None:
    first, second = (list(islice(technique.read(), MOST)) for _ in range(2))
    assert first and first == second
    assert all(isinstance(item, Document | Unreadable | Dropped) for item in first)
    ids = [item.id for item in first if isinstance(item, Document)]
    assert all(ids), "a document has no id"
    assert len(ids) == len(set(ids)), "ids are not unique"


@pytest.mark.family("source")
def test_source_names_its_inputs(technique: Source) -> None:
    inputs = list(technique.inputs())
    assert all(isinstance(path, Path) and path.exists() for path in inputs)
    assert inputs == list(technique.inputs())


@pytest.mark.family("preprocessor")
def test_preprocessor_is_a_pure_function(technique: Preprocessor) -> None:
    given = samples.documents() + odd_documents()
    kept = copy.deepcopy(given)
    first = [technique.process(item) for item in given]
    assert given == kept, "the document it was given was changed; make a copy (map_text, dataclasses.replace)"
    # In another order, because any document may be processed anywhere.
    second = [technique.process(item) for item in reversed(given)][::-1]
    assert first == second
    for before, after in zip(given, first, strict=True):
        if isinstance(after, Dropped):
            assert re.fullmatch(r"[a-z][a-z0-9_]*", after.reason), "a reason is a short code such as too_short"
        else:
            assert isinstance(after, Document) and after.id == before.id


@pytest.mark.family("preprocessor")
def test_preprocessor_keeps_to_its_fields(kind: type[Preprocessor], values: dict[str, object]) -> None:
    technique = kind.model_validate({**values, "fields": ("no_such_field",)})
    for before in samples.documents(10):
        after = technique.process(before)
        if isinstance(after, Document):
            assert after.text == before.text


@pytest.mark.family("preprocessor")
def test_corpus_preprocessor_decides_over_keys(technique: Preprocessor) -> None:
    if not isinstance(technique, CorpusPreprocessor):
        pytest.skip("looks at one document")
    given = samples.documents() + odd_documents() + samples.documents(3)
    keys = KeyList(technique.key(item) for item in given)
    for key in keys:
        parts = key if isinstance(key, tuple) else (key,)
        assert all(isinstance(part, bytes | str | int) for part in parts), (
            "a key is bytes, text, an int or a tuple of these"
        )
    decisions = list(technique.decide(keys))
    sent = pickle.loads(pickle.dumps(keys))
    assert decisions == list(technique.decide(sent)), "keys that another process made decide otherwise"
    assert len(decisions) == len(given), "one decision for each key: the ledger does not balance otherwise"
    assert decisions == list(technique.decide(keys))
    for before, decision in zip(given, decisions, strict=True):
        after = technique.apply(before, decision)
        assert after == technique.apply(before, decision)
        if isinstance(after, Dropped):
            assert re.fullmatch(r"[a-z][a-z0-9_]*", after.reason), "a reason is a short code such as too_short"
        else:
            assert after.id == before.id
            assert decision is not None or after is before, "None keeps a document as it is"


@pytest.mark.family("source")
def test_shards_of_a_source_give_what_it_gives(technique: Source) -> None:
    shards = pickle.loads(pickle.dumps(list(technique.shards())))
    whole = list(islice(technique.read(), MOST))
    assert list(islice(chain.from_iterable(shard.read() for shard in shards), MOST)) == whole
    inputs = [path for shard in shards for path in shard.inputs()]
    assert set(inputs) == set(technique.inputs()), "the inputs of the shards are not those of the source"


@pytest.mark.family("augmenter")
def test_augmenter_draws_from_its_generator_alone(technique: Augmenter) -> None:
    given = samples.documents() + odd_documents()
    kept = copy.deepcopy(given)
    first = [technique.augment(item, Random(number)) for number, item in enumerate(given)]
    assert given == kept, "the document it was given was changed; make a copy (map_text, dataclasses.replace)"
    again = [technique.augment(item, Random(number)) for number, item in reversed(list(enumerate(given)))][::-1]
    assert first == again
    changed = [after for before, after in zip(given, first, strict=True) if after is not None and after != before]
    assert changed, "not one of the documents was changed"
    assert all(isinstance(after, Document) and after.text.strip() for after in changed[:30])
    several = technique.augment_batch(given, [Random(number) for number in range(len(given))])
    assert several == first, "augment_batch makes something else of a document than augment"
