"""The fast way to token ids gives the tokenizer's own, or is not taken."""

from __future__ import annotations

from pydoc_data.topics import topics
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from tokenizers import Tokenizer as Backend
from tokenizers import decoders, models, normalizers, pre_tokenizers, trainers
from transformers import PreTrainedTokenizerFast

from pluglm import SPECIAL_TOKENS, encode_text
from pluglm.batching.text_encoding import ENCODER, byte_ranks, encodes_fast, slow_ids, use_fast_encoding

TEXTS = [text for _, text in sorted(topics.items())][:30]


def trained(**more: Any) -> PreTrainedTokenizerFast:
    backend = Backend(models.BPE())
    backend.pre_tokenizer = pre_tokenizers.ByteLevel(add_prefix_space=more.get("prefix", False))
    backend.decoder = decoders.ByteLevel()
    if "normalizer" in more:
        backend.normalizer = more["normalizer"]
    trainer = trainers.BpeTrainer(
        vocab_size=900,
        special_tokens=list(SPECIAL_TOKENS.values()),
        initial_alphabet=pre_tokenizers.ByteLevel.alphabet(),
        show_progress=False,
    )
    backend.train_from_iterator(TEXTS, trainer)
    return PreTrainedTokenizerFast(tokenizer_object=backend, split_special_tokens=True, **SPECIAL_TOKENS)


@pytest.fixture(scope="module")
def fast() -> PreTrainedTokenizerFast:
    tokenizer = trained()
    assert use_fast_encoding(tokenizer) and encodes_fast(tokenizer, TEXTS)
    return tokenizer


def test_documents_have_the_same_ids(fast: PreTrainedTokenizerFast) -> None:
    for text in TEXTS:
        ids = encode_text(text, fast)
        assert ids == fast.backend_tokenizer.encode(text, add_special_tokens=False).ids
        assert fast.decode(ids) == text


@given(st.text(st.characters(exclude_categories=["Cs"]), max_size=60))
def test_any_text_has_the_same_ids(fast: PreTrainedTokenizerFast, text: str) -> None:
    assert encode_text(text, fast) == slow_ids(text, fast)


@given(st.text(st.sampled_from("a b\n\t'sStTlLdD12.,\u00a0\u2028é<>/"), max_size=40))
def test_spaces_and_marks_have_the_same_ids(fast: PreTrainedTokenizerFast, text: str) -> None:
    assert encode_text(text, fast) == slow_ids(text, fast)


def test_a_word_of_a_million_letters_is_encoded(fast: PreTrainedTokenizerFast) -> None:
    text = "ab" * 300_000 + " " * 300_000 + "\n" * 300_000
    assert encode_text(text, fast) == slow_ids(text, fast)


@pytest.mark.parametrize("more", [{"prefix": True}, {"normalizer": normalizers.NFC()}])
def test_another_kind_of_tokenizer_is_asked_itself(more: dict[str, Any]) -> None:
    tokenizer = trained(**more)
    assert byte_ranks(tokenizer) is None and not use_fast_encoding(tokenizer)
    assert encode_text("Some text.", tokenizer) == slow_ids("Some text.", tokenizer)


def test_a_tokenizer_that_answers_otherwise_is_asked_itself(monkeypatch: pytest.MonkeyPatch) -> None:
    tokenizer = trained()
    ranks = byte_ranks(tokenizer)
    assert ranks is not None
    # One merge is missing: most texts have the same ids all the same.
    wrong = {token: rank for token, rank in ranks.items() if token != b" class"}
    assert len(wrong) == len(ranks) - 1
    monkeypatch.setattr("pluglm.batching.text_encoding.byte_ranks", lambda _: wrong)
    assert use_fast_encoding(tokenizer) and not encodes_fast(tokenizer, ["a class of its own"])
    monkeypatch.setattr("pluglm.batching.text_encoding.PROBES", ("a class of its own",))
    tokenizer = trained()
    assert not use_fast_encoding(tokenizer) and not hasattr(tokenizer, ENCODER) and not encodes_fast(tokenizer, [])
