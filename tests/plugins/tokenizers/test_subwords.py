"""WordPiece and word tokenizers, held against `tokenizers` and by hand."""

from __future__ import annotations

from pydoc_data.topics import topics

import pytest
from tokenizers import Tokenizer as Backend
from tokenizers import models, normalizers, pre_tokenizers, trainers
from transformers import AutoTokenizer, BertTokenizerFast

from pluglm import SPECIAL_TOKENS
from pluglm_tokenizers.bpe import Bpe
from pluglm_tokenizers.word import Word
from pluglm_tokenizers.wordpiece import Wordpiece

TEXTS = [text for _, text in sorted(topics.items())][:20]
SPECIAL = list(SPECIAL_TOKENS.values())
WORDPIECE = Wordpiece(vocab_size=600).build(iter(TEXTS))
WORD = Word(vocab_size=300).build(iter(TEXTS))
ALL = {"wordpiece": WORDPIECE, "word": WORD}


def ids(tokenizer, text):
    return tokenizer(text, add_special_tokens=False)["input_ids"]


@pytest.mark.parametrize("name", ALL)
def test_special_tokens_come_first_and_size_is_kept(name):
    tokenizer = ALL[name]
    assert tokenizer.convert_ids_to_tokens(range(len(SPECIAL))) == SPECIAL
    assert len(tokenizer) <= (300 if name == "word" else 600)
    assert max(ids(tokenizer, "\n".join(TEXTS))) < len(tokenizer)


@pytest.mark.parametrize("name", ALL)
def test_auto_tokenizer_loads_it(name, tmp_path):
    ALL[name].save_pretrained(tmp_path)
    loaded = AutoTokenizer.from_pretrained(tmp_path)
    for text in [*TEXTS, "Größe naïve 東京", ""]:
        assert ids(loaded, text) == ids(ALL[name], text)


def test_wordpiece_encodes_as_bert_does_and_learns_what_the_library_learns(tmp_path):
    oracle = Backend(models.WordPiece(unk_token="<unk>"))
    oracle.normalizer = normalizers.BertNormalizer(lowercase=False, strip_accents=False)
    oracle.pre_tokenizer = pre_tokenizers.BertPreTokenizer()
    oracle.train_from_iterator(
        TEXTS, trainers.WordPieceTrainer(vocab_size=600, min_frequency=2, special_tokens=SPECIAL, show_progress=False)
    )
    # The library's own is another each time, in the order of merges that are equally frequent.
    text = "\n".join(TEXTS)
    assert len(ids(WORDPIECE, text)) == pytest.approx(len(oracle.encode(text).ids), rel=0.05)
    assert len(WORDPIECE.get_vocab().keys() & oracle.get_vocab().keys()) > 450
    vocabulary = tmp_path / "vocab.txt"
    vocabulary.write_text("\n".join(sorted(WORDPIECE.get_vocab(), key=WORDPIECE.get_vocab().get)), encoding="utf-8")
    bert = BertTokenizerFast(
        vocab=str(vocabulary), do_lower_case=False, unk_token="<unk>", pad_token="<pad>", cls_token="<cls>",
        sep_token="<sep>", mask_token="<mask>",
    )  # fmt: skip
    for text in TEXTS[:5]:
        assert ids(WORDPIECE, text) == bert.convert_tokens_to_ids(bert.tokenize(text))


@pytest.mark.parametrize("technique", [Bpe(vocab_size=300), Wordpiece(vocab_size=300)])
@pytest.mark.parametrize("letter", ["x", " "])
def test_a_file_of_one_word_is_learned_from_in_no_time(technique, letter):
    # By the length of words squared, this would be hours.
    tokenizer = technique.build(iter([letter * 1_000_000, "a cat"]))
    assert len(tokenizer) <= 300 and tokenizer.decode(ids(tokenizer, "a cat")) == "a cat"


def test_wordpiece_takes_the_longest_piece_and_lower_case_where_asked():
    tokenizer = Wordpiece(vocab_size=200, min_frequency=1, lowercase=True).build(iter(["unable unable able Über"] * 9))
    assert tokenizer.tokenize("UNABLE able") == ["unable", "able"]
    assert tokenizer.tokenize("uber") == tokenizer.tokenize("Über") and "<unk>" not in tokenizer.tokenize("Über")
    assert tokenizer.tokenize("東京") == ["<unk>", "<unk>"]


def test_word_knows_the_most_frequent_words():
    tokenizer = Word(vocab_size=len(SPECIAL) + 3).build(iter(["b b b, a a. c d"]))
    assert sorted(tokenizer.get_vocab(), key=tokenizer.get_vocab().get) == [*SPECIAL, "b", "a", ","]
    assert tokenizer.tokenize("a b, c!") == ["a", "b", ",", "<unk>", "<unk>"]
    lower = Word(lowercase=True).build(iter(["The the THE"]))
    assert lower.tokenize("tHe") == ["the"] and len(lower) == len(SPECIAL) + 1
    assert len(Word(min_frequency=2).build(iter(["x x y"]))) == len(SPECIAL) + 1


@pytest.mark.parametrize("name", ALL)
def test_training_again_gives_the_same(name):
    kind = {"wordpiece": Wordpiece(vocab_size=600), "word": Word(vocab_size=300)}[name]
    for _ in range(3):
        assert kind.build(iter(TEXTS)).backend_tokenizer.to_str() == ALL[name].backend_tokenizer.to_str()
