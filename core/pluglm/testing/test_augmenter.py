"""Augmenters."""

from __future__ import annotations

import copy
from random import Random

import pytest

from pluglm import Augmenter, Document
from pluglm.testing import samples

pytestmark = [pytest.mark.family("augmenter"), pytest.mark.usefixtures("untouched_randomness")]


def given() -> list[Document]:
    """What is augmented; some of it is odd."""
    return samples.documents(30) + samples.odd_documents()


Once = tuple[Augmenter, list[Document], list[Document | None]]
# A model may take seconds for it.
MADE: dict[type[Augmenter], Once] = {}


@pytest.fixture
def once(kind: type[Augmenter], technique: Augmenter) -> Once:
    """What augmented them, the documents as they are after that, and the copies."""
    if kind not in MADE:
        documents = given()
        copies = [technique.augment(item, Random(number)) for number, item in enumerate(documents)]
        MADE[kind] = technique, documents, copies
    return MADE[kind]


def test_augment_leaves_the_document_it_is_given_alone(once: Once) -> None:
    assert once[1] == given(), "it was changed; make a copy (map_text, dataclasses.replace)"


def test_augment_draws_from_its_generator_alone(once: Once) -> None:
    backwards = reversed(list(enumerate(given())))
    again = [once[0].augment(item, Random(number)) for number, item in backwards][::-1]
    assert again == once[2], "another copy, though the generator was the same"


def test_augment_changes_something(once: Once) -> None:
    pairs = list(zip(given(), once[2], strict=True))
    changed = [after for before, after in pairs if after is not None and after != before]
    assert changed, "not one of the documents was changed"
    assert all(isinstance(after, Document) for after in changed)
    assert all(after.text.strip() for before, after in pairs[:30] if after is not None), "nothing is left of a text"


def test_augment_batch_makes_what_augment_makes(once: Once) -> None:
    documents = copy.deepcopy(given())
    several = once[0].augment_batch(documents, [Random(number) for number in range(len(documents))])
    assert several == once[2], "what becomes of a document depends on those beside it"
