"""The unigram tokenizer: the most probable pieces by brute force, round trips, the same bytes in every process."""

from __future__ import annotations

import json
import subprocess
import sys
from pydoc_data.topics import topics

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from tokenizers import Tokenizer as Backend
from tokenizers import models, pre_tokenizers, trainers
from transformers import AutoTokenizer

from pluglm import SPECIAL_TOKENS, DataError
from pluglm_tokenizers.unigram import Unigram, pieces_of_text

pytest.importorskip("sentencepiece")

TEXTS = [text for _, text in sorted(topics.items())][:20]
SIZE = 700
UNIGRAM = Unigram(vocab_size=SIZE).build(iter(TEXTS))
HARD = [
    " two  spaces , and n't 's !",
    "a\r\n\tb\x00",
    "Größe naïve 東京 👩‍🔬 e\u0301",
    "<pad> is <mask> </s> <0xC3> <unk>",
    "",
    "\ufeffx \u00a0\n\n  indented",
]


def ids(text, tokenizer=UNIGRAM):
    return tokenizer(text, add_special_tokens=False)["input_ids"]


@pytest.mark.parametrize("text", [*HARD, TEXTS[0]])
def test_decoding_undoes_encoding_and_special_tokens_spelt_out_are_text(text):
    assert UNIGRAM.decode(ids(text)) == text
    assert not set(ids(text)) & set(range(len(SPECIAL_TOKENS)))


@settings(max_examples=150, deadline=None)
@given(st.text(st.characters(exclude_categories=["Cs"], exclude_characters="\u2581")))
def test_decoding_undoes_encoding_of_any_text(text):
    assert UNIGRAM.decode(ids(text)) == text


def test_special_tokens_and_bytes_come_first_and_size_is_kept():
    tokens = UNIGRAM.convert_ids_to_tokens(range(len(UNIGRAM)))
    special = list(SPECIAL_TOKENS.values())
    assert tokens[:7] == special and tokens[7:263] == [f"<0x{byte:02X}>" for byte in range(256)]
    assert SIZE * 0.9 < len(tokens) <= SIZE and len(set(tokens)) == len(tokens)


def test_words_are_cut_into_the_most_probable_pieces():
    model = json.loads(UNIGRAM.backend_tokenizer.to_str())["model"]["vocab"]
    score = {piece: value for piece, value in model[263:]}

    def best(word):
        ways: dict[int, tuple[float, list[str]]] = {0: (0.0, [])}
        for end in range(1, len(word) + 1):
            ways[end] = max(
                (ways[start][0] + score[word[start:end]], [*ways[start][1], word[start:end]])
                for start in range(end)
                if start in ways and word[start:end] in score
            )
        return ways[len(word)]

    for word in set(TEXTS[1].split()):
        if word.isascii() and word.isalnum():
            told = UNIGRAM.tokenize(" " + word)
            assert "".join(told) == "▁" + word
            assert sum(score[piece] for piece in told) == pytest.approx(best("▁" + word)[0])


def test_it_learns_as_well_as_the_trainer_of_tokenizers():
    oracle = Backend(models.Unigram())
    oracle.pre_tokenizer = pre_tokenizers.Metaspace(prepend_scheme="never")
    size = SIZE - 263
    oracle.train_from_iterator(
        TEXTS, trainers.UnigramTrainer(vocab_size=size, special_tokens=["<unk>"], unk_token="<unk>")
    )
    text = " ".join(" ".join(TEXTS).split())
    assert len(ids(text)) == pytest.approx(len(oracle.encode(text).ids), rel=0.05)


def test_the_same_text_gives_the_same_bytes_in_every_process():
    code = (
        "from pydoc_data.topics import topics; from pluglm_tokenizers.unigram import Unigram; import hashlib\n"
        "texts = [text for _, text in sorted(topics.items())][:20]\n"
        f"made = Unigram(vocab_size={SIZE}).build(iter(texts)).backend_tokenizer.to_str()\n"
        "print(hashlib.sha256(made.encode()).hexdigest())"
    )
    import hashlib
    import os

    digests = {hashlib.sha256(UNIGRAM.backend_tokenizer.to_str().encode()).hexdigest()}
    for seed in ("1", "2"):
        done = subprocess.run(
            [sys.executable, "-c", code], env={**os.environ, "PYTHONHASHSEED": seed}, capture_output=True, text=True
        )
        assert done.returncode == 0, done.stderr
        digests.add(done.stdout.strip())
    assert len(digests) == 1


def test_auto_tokenizer_loads_it(tmp_path):
    UNIGRAM.save_pretrained(tmp_path)
    loaded = AutoTokenizer.from_pretrained(tmp_path)
    for text in [*HARD, *TEXTS]:
        assert ids(text, loaded) == ids(text) and loaded.decode(ids(text)) == text


@pytest.mark.parametrize("seen", ["a", "東京"])
def test_a_space_that_training_never_saw_comes_back(seen):
    tokenizer = Unigram(vocab_size=391).build(iter([seen]))
    assert len(tokenizer) <= 391 and tokenizer.decode(ids("x  y\n", tokenizer)) == "x  y\n"


def test_parameters_and_odd_texts():
    small = Unigram(vocab_size=420, max_piece_length=2).build(iter(TEXTS))
    assert len(small) <= 420 and max(len(token) for token in small.convert_ids_to_tokens(range(263, len(small)))) == 2
    first = Unigram(vocab_size=420, max_sentences=50).build(iter(TEXTS))
    assert first.get_vocab() != small.get_vocab()
    with pytest.raises(DataError, match="hold no text"):
        Unigram().build(iter(["", " \n"]))
    # A line longer than SentencePiece takes is not left out.
    assert ["".join(pieces_of_text("x" * 5000)), *pieces_of_text("a\x00b\n\n c")] == ["x" * 5000, "ab", " c"]
