"""The script of a text, and figures that depend on it or on what a tokenizer does to a text."""

from __future__ import annotations

import pytest

from pluglm import Document
from pluglm_evaluators.perplexity import byte_counter, bytes_lost
from pluglm_evaluators.scripts import main_script
from pluglm_tokenizers.byte import Byte
from pluglm_tokenizers.wordpiece import Wordpiece


@pytest.mark.parametrize(
    ("text", "script"),
    [
        ("我爱北京", "CJK"),
        ("私は東京に住んでいます", "KANA"),
        ("カタカナ", "KANA"),
        ("한국어", "HANGUL"),
        ("สวัสดี", "THAI"),
        ("hello 世界", "LATIN"),
        ("привет", "CYRILLIC"),
        ("12 + 3", ""),
        ("中文（カ）我们非常喜欢这个东西的味道因为它很好吃而且很便宜啊", "CJK"),
    ],
)
def test_main_script(text, script):
    assert main_script([text]) == script


def test_bytes_are_those_of_the_text_and_not_of_what_a_tokenizer_makes_of_it():
    texts = ["The  Cat sat.", "A dog — ran!"]
    documents = [Document(text) for text in texts]
    byte = Byte().build(iter(()))
    assert bytes_lost(documents, byte, byte_counter(byte)) == 1
    pieces = Wordpiece(vocab_size=60).build(iter(texts))
    count = byte_counter(pieces)
    left = sum(count(pieces(text, add_special_tokens=False)["input_ids"]) for text in texts)
    lost = bytes_lost(documents, pieces, count)
    assert lost != 1 and lost * left == pytest.approx(sum(len(text.encode()) for text in texts))
    assert bytes_lost([], pieces, count) == 1
