"""Tokenizers."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from pluglm import SPECIAL_TOKENS, Tokenizer
from pluglm.testing import samples

if TYPE_CHECKING:
    from transformers import PreTrainedTokenizerFast

pytestmark = [pytest.mark.family("tokenizer"), pytest.mark.usefixtures("untouched_randomness")]


@pytest.fixture
def texts() -> list[str]:
    """What it is trained on."""
    return [item.text for item in samples.documents()]


@pytest.fixture
def built(technique: Tokenizer, texts: list[str]) -> PreTrainedTokenizerFast:
    """It, trained."""
    return technique.build(iter(texts))


def test_training_again_gives_the_same_tokenizer(
    technique: Tokenizer, built: PreTrainedTokenizerFast, texts: list[str]
) -> None:
    again = technique.build(iter(texts))
    assert built.backend_tokenizer.to_str() == again.backend_tokenizer.to_str(), "not deterministic"


def test_special_tokens_come_first(built: PreTrainedTokenizerFast) -> None:
    for number, (role, token) in enumerate(SPECIAL_TOKENS.items()):
        assert getattr(built, role) == token and built.convert_tokens_to_ids(token) == number, role


def test_decoding_and_encoding_again_gives_the_same_ids(built: PreTrainedTokenizerFast, texts: list[str]) -> None:
    ids = built(texts, add_special_tokens=False)["input_ids"]
    assert all(ids) and max(map(max, ids)) < len(built)
    decoded = [built.decode(row) for row in ids]
    assert built(decoded, add_special_tokens=False)["input_ids"] == ids


def test_saved_tokenizer_encodes_the_same(built: PreTrainedTokenizerFast, texts: list[str], tmp_path: Path) -> None:
    from transformers import AutoTokenizer

    built.save_pretrained(tmp_path)
    ids = built(texts, add_special_tokens=False)["input_ids"]
    assert AutoTokenizer.from_pretrained(tmp_path)(texts, add_special_tokens=False)["input_ids"] == ids
