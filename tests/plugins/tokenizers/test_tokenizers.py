"""Round trips, ids and loading of the lossless tokenizers, held against `tokenizers` and UTF-8 itself."""

from __future__ import annotations

import json
from pathlib import Path
from pydoc_data.topics import topics

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from pydantic import ValidationError
from tokenizers import Tokenizer as Backend
from tokenizers import models, pre_tokenizers, trainers
from transformers import AutoTokenizer, BertConfig, GPT2Config, LlamaConfig

from pluglm import SPECIAL_TOKENS
from pluglm_tokenizers.bpe import Bpe
from pluglm_tokenizers.byte import Byte, byte_characters

TEXTS = [text for _, text in sorted(topics.items())][:20]
HARD = [
    " two  spaces , and n't 's !",
    "a\r\n\tb\x00",
    "Größe naïve 東京 👩‍🔬 e\u0301",
    "<pad> is <mask> </s>",
    "",
    "\ufeffx \u00a0",
]
BPE = Bpe(vocab_size=600).build(iter(TEXTS))
BYTE = Byte().build(iter(()))


def ids(tokenizer, text):
    return tokenizer(text, add_special_tokens=False)["input_ids"]


@pytest.mark.parametrize("tokenizer", [BPE, BYTE], ids=["bpe", "byte"])
@pytest.mark.parametrize("text", [*HARD, TEXTS[0]])
def test_decoding_undoes_encoding(tokenizer, text):
    assert tokenizer.decode(ids(tokenizer, text)) == text
    assert not set(ids(tokenizer, text)) & set(range(len(SPECIAL_TOKENS)))


@settings(max_examples=150, deadline=None)
@given(st.text(st.characters(exclude_categories=["Cs"])))
def test_decoding_undoes_encoding_of_any_text(text):
    assert BPE.decode(ids(BPE, text)) == text
    assert BYTE.decode(ids(BYTE, text)) == text


@pytest.mark.parametrize("tokenizer", [BPE, BYTE], ids=["bpe", "byte"])
def test_special_tokens_come_first_in_their_order(tokenizer):
    assert tokenizer.convert_ids_to_tokens(range(len(SPECIAL_TOKENS))) == list(SPECIAL_TOKENS.values())
    assert [getattr(tokenizer, f"{name}_id") for name in SPECIAL_TOKENS] == list(range(len(SPECIAL_TOKENS)))


def test_byte_ids_are_the_bytes_of_utf8():
    text = "Größe 東京\n👩‍🔬"
    assert [token - len(SPECIAL_TOKENS) for token in ids(BYTE, text)] == list(text.encode())
    assert len(BYTE) == 256 + len(SPECIAL_TOKENS)
    assert sorted(byte_characters()) == sorted(pre_tokenizers.ByteLevel.alphabet())


def test_bpe_merges_are_those_of_the_library():
    oracle = Backend(models.BPE())
    oracle.pre_tokenizer = pre_tokenizers.ByteLevel(add_prefix_space=False)
    oracle.train_from_iterator(
        TEXTS,
        trainers.BpeTrainer(
            vocab_size=600,
            min_frequency=2,
            special_tokens=list(SPECIAL_TOKENS.values()),
            initial_alphabet=pre_tokenizers.ByteLevel.alphabet(),
            show_progress=False,
        ),
    )
    assert BPE.get_vocab() == oracle.get_vocab()
    assert ids(BPE, TEXTS[1]) == oracle.encode(TEXTS[1]).ids


def test_bpe_merges_the_most_frequent_pair_first():
    # Sennrich et al. 2016: "l o w" 5 times, "n e w e s t" 6: e s, then es t, come before all else with "w i d e s t".
    text = " ".join(["low"] * 5 + ["lower"] * 2 + ["newest"] * 6 + ["widest"] * 3)
    built = Bpe(vocab_size=len(SPECIAL_TOKENS) + 256 + 2).build(iter([text]))
    merges = json.loads(built.backend_tokenizer.to_str())["model"]["merges"]
    assert merges == [["e", "s"], ["es", "t"]]


def test_bpe_is_the_same_every_time():
    assert Bpe(vocab_size=600).build(iter(TEXTS)).backend_tokenizer.to_str() == BPE.backend_tokenizer.to_str()


def test_bpe_parameters_change_the_vocabulary():
    assert len(Bpe(vocab_size=300).build(iter(TEXTS))) == 300
    assert len(Bpe(vocab_size=600, min_frequency=10**6).build(iter(TEXTS))) == len(SPECIAL_TOKENS) + 256
    for wrong in ({"vocab_size": 262}, {"min_frequency": 0}):
        with pytest.raises(ValidationError):
            Bpe(**wrong)


@pytest.mark.parametrize("config", [None, LlamaConfig(), GPT2Config(), BertConfig()], ids=str.__class__)
@pytest.mark.parametrize("tokenizer", [BPE, BYTE], ids=["bpe", "byte"])
def test_auto_tokenizer_loads_it_beside_any_model(tokenizer, config, tmp_path: Path):
    tokenizer.save_pretrained(tmp_path)
    if config:
        config.save_pretrained(tmp_path)
    loaded = AutoTokenizer.from_pretrained(tmp_path)
    for text in [*HARD, TEXTS[0]]:
        assert ids(loaded, text) == ids(tokenizer, text)
        assert loaded.decode(ids(loaded, text)) == text
    assert loaded.special_tokens_map == tokenizer.special_tokens_map
    assert loaded.pad_token_id == 0 and len(loaded) == len(tokenizer)
