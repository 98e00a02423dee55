"""Stand-ins for a tokenizer, documents and examples that are not prepared yet."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

from pluglm.batching.examples import packs
from pluglm.document import Document
from pluglm.families import Example
from pluglm.families.tokenizer import SPECIAL_TOKENS

if TYPE_CHECKING:
    from transformers import PreTrainedTokenizerFast

    from pluglm.config.run_config import RunConfig

UNKNOWN_VOCABULARY = 32_000
"""Tokens of a tokenizer that does not say how many it will have."""
LABELS = ("a", "b")


def planned_tokenizer(config: RunConfig) -> tuple[PreTrainedTokenizerFast, str | None]:
    """The tokenizer of the run where nothing has to be learned for it, else one of the size that is planned, with a
    line that says so."""
    from pluglm.batching.tokenizer import add_extra_tokens

    own, note = config.model.own_tokenizer(), None
    if own is not None:
        tokenizer = own
    elif not type(config.tokenizer).learns:
        tokenizer = config.tokenizer.build(iter(()))
    else:
        size = config.tokenizer.planned_vocab_size()
        note = f"the tokenizer is not made yet, and taken to get all the {size:,} tokens it may" if size else None
        if size is None:
            note = f"tokenizer={config.tokenizer.name} does not say its size: {UNKNOWN_VOCABULARY:,} tokens are taken"
        tokenizer = sized_tokenizer(size or UNKNOWN_VOCABULARY)
    add_extra_tokens(tokenizer, config.objective.extra_tokens())
    return tokenizer, note


def sized_tokenizer(size: int) -> PreTrainedTokenizerFast:
    """A tokenizer of `size` tokens in all, special ones first, then `w0`, `w1` ..."""
    from tokenizers import Tokenizer, models, pre_tokenizers
    from transformers import PreTrainedTokenizerFast

    special = list(SPECIAL_TOKENS.values())
    every = [*special, *(f"w{number}" for number in range(size - len(special)))]
    backend = Tokenizer(models.WordLevel({word: i for i, word in enumerate(every)}, SPECIAL_TOKENS["unk_token"]))
    backend.pre_tokenizer = pre_tokenizers.WhitespaceSplit()
    return PreTrainedTokenizerFast(tokenizer_object=backend, **SPECIAL_TOKENS)


def text_of(tokenizer: PreTrainedTokenizerFast, tokens: int) -> str:
    """A text of as many words as make no more than `tokens` tokens."""
    every = [f"w{number % 97}" for number in range(tokens)]

    def fits(words: int) -> bool:
        return len(tokenizer(" ".join(every[:words]), add_special_tokens=False, verbose=False)["input_ids"]) <= tokens

    few, many = (len(every), len(every)) if fits(len(every)) else (0, len(every) - 1)
    while few < many:
        middle = (few + many + 1) // 2
        few, many = (middle, many) if fits(middle) else (few, middle - 1)
    return " ".join(every[: max(1, few)])


def stand_in_documents(config: RunConfig, text: str, count: int) -> list[Document]:
    """Documents with every field that the objective needs: `text` where the tokenizer reads it, else one of two
    labels."""
    names = [name for name in config.objective.required_fields() if name != "text"]
    read = set(config.objective.texts(Document(text="", fields={name: name for name in names})))
    return [
        Document(
            text=text,
            id=str(number),
            source="plan",
            fields={name: text if name in read else LABELS[number % len(LABELS)] for name in names},
        )
        for number in range(count)
    ]


def stand_in_examples(
    config: RunConfig, tokenizer: PreTrainedTokenizerFast, fitted: Mapping[str, Any], length: int
) -> list[Example]:
    """Two examples or more of about `length` tokens, of exactly as many where documents are joined into blocks."""
    room = length + 2 if packs(config) else length - 3
    documents = stand_in_documents(config, text_of(tokenizer, max(2, room)), 2)
    found: list[Example] = []
    for document in documents:
        for example in config.objective.examples(document, tokenizer, length, fitted):
            found.append({**example, "input_ids": example["input_ids"][:length]})
    return found
