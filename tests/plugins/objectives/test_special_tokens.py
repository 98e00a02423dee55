"""What stands around a text: as the tokenizer itself puts it, in every objective."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
import torch
from tokenizers.processors import TemplateProcessing

from pluglm import Document, Objective, encode_text, own_special_tokens
from pluglm.families import SpecialTokens
from pluglm_objectives.classification import Classification
from pluglm_objectives.clm import Clm
from pluglm_objectives.mlm import Mlm
from pluglm_objectives.nsp import Nsp
from pluglm_objectives.span_corruption import SpanCorruption
from pluglm_objectives.token_losses import IGNORED, beginnings, positions
from pluglm_objectives.translation import Translation
from pluglm_tokenizers.byte import Byte

BOS, EOS, CLS, SEP = 2, 3, 4, 5
TEXTS = ["one", "another"]


def tokenizer(single: str, **roles: Any) -> Any:
    made = Byte().build(iter(()))
    tokens = [(token, made.convert_tokens_to_ids(token)) for token in single.split() if token != "$A"]
    if tokens:
        made.backend_tokenizer.post_processor = TemplateProcessing(single=single, special_tokens=tokens)
    for role, token in roles.items():
        setattr(made, role, token)
    return made


LLAMA = tokenizer("<s> $A")
BERT = tokenizer("<cls> $A <sep>", bos_token=None, eos_token=None)
T5 = tokenizer("$A </s>", bos_token=None)
OPT = tokenizer("</s> $A", bos_token="</s>")
PLAIN = tokenizer("$A")


def ids(objective: Objective, words: Any, text: str = "one") -> list[int]:
    fitted = {"labels": ["a", "b"], "counts": [1, 1]}
    (example,) = objective.examples(Document(text, fields={"label": "a", "target": "x"}), words, 64, fitted)
    return list(example["input_ids"])


@pytest.mark.parametrize(
    ("objective", "words", "start", "end"),
    [
        (Clm(), LLAMA, [BOS], [EOS]),
        (Clm(), PLAIN, [], [EOS]),
        (Clm(), BERT, [CLS], [SEP]),
        (Clm(), OPT, [EOS], [EOS]),
        (Mlm(), BERT, [CLS], [SEP]),
        (Mlm(), PLAIN, [CLS], [EOS]),
        (Classification(), BERT, [CLS], [SEP]),
        (Classification(), LLAMA, [BOS], []),
        (Classification(), T5, [], [EOS]),
        (Classification(), PLAIN, [CLS], [EOS]),
        (Translation(), T5, [], [EOS]),
        (Translation(), PLAIN, [], [EOS]),
        (Translation(), LLAMA, [BOS], [EOS]),
    ],
)
def test_texts_begin_and_end_as_the_tokenizer_has_them(objective, words, start, end):
    own = own_special_tokens(words)
    assert objective.special_tokens(words) == SpecialTokens(tuple(start), tuple(end))
    assert ids(objective, words) == [*start, *encode_text("one", words), *end]
    if own.end or (own and isinstance(objective, Classification)):
        assert ids(objective, words) == words("one")["input_ids"]


def test_long_documents_keep_what_stands_around_them():
    fitted = {"labels": ["a", "b"], "counts": [1, 1]}
    (example,) = Classification().examples(Document("x" * 99, fields={"label": "a"}), BERT, 16, fitted)
    row = example["input_ids"]
    assert len(row) == 16 and (row[0], row[-1]) == (CLS, SEP)


def test_pairs_and_cut_out_spans():
    document = Document("One sentence. Another sentence.")
    (example, *_) = Nsp(negative_share=0).examples(document, BERT, 64, {})
    row, kinds, _ = Nsp(negative_share=0).paired({**example, "partners": []}, BERT, np.random.default_rng(0))
    assert row[0] == CLS and row[-1] == SEP and kinds.count(1) == len(row) - kinds.count(0)
    bart = tokenizer("<s> $A </s>")
    objective = SpanCorruption(sentinels=4)
    bart.add_special_tokens({"extra_special_tokens": list(objective.extra_tokens())})
    (example,) = objective.examples(document, bart, 64, {})
    batch = objective.collate([example], bart, [np.random.default_rng(0)])
    assert batch["input_ids"][0, 0] == BOS and batch["input_ids"][0, -1] == EOS
    assert batch["labels"][0, 0] == BOS and batch["labels"][0, -1] == EOS


@pytest.mark.parametrize("words", [LLAMA, OPT], ids=["bos", "bos is eos"])
def test_the_token_that_begins_a_text_is_given_and_not_predicted(words):
    special = Clm().special_tokens(words)
    block = [token for text in TEXTS for token in ids(Clm(), words, text)]
    batch = Clm().collate([{"input_ids": block}], words, [])
    second = len(TEXTS[0]) + 2
    assert batch["labels"][0].eq(IGNORED).nonzero().flatten().tolist() == [second]
    assert batch["labels"][0, second - 1] == EOS and batch["input_ids"][0, second] == special.start[0]
    isolated = Clm(isolate_documents=True).collate([{"input_ids": block}], words, [])
    lengths = [len(text) + 2 for text in TEXTS]
    assert isolated["position_ids"][0].tolist() == [place for length in lengths for place in range(length)]


def test_padding_behind_a_document_begins_anew():
    rows = torch.tensor([[CLS, 40, SEP, 0, 0], [CLS, 40, 41, 42, SEP]])
    special = SpecialTokens((CLS,), (SEP,))
    assert beginnings(rows, special).nonzero().tolist() == [[0, 3]]
    assert positions(rows, special).tolist() == [[0, 1, 2, 0, 1], [0, 1, 2, 3, 4]]
    assert beginnings(torch.tensor([[BOS, 40, BOS, 41]]), SpecialTokens((BOS,))).nonzero().tolist() == [[0, 2]]
