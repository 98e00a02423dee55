"""Tokenizers: text to token ids."""

from __future__ import annotations

from abc import abstractmethod
from collections.abc import Iterator
from typing import TYPE_CHECKING, ClassVar

from pluglm.technique import Technique

if TYPE_CHECKING:
    from transformers import PreTrainedTokenizerFast

SPECIAL_TOKENS: dict[str, str] = {
    "pad_token": "<pad>",
    "unk_token": "<unk>",
    "bos_token": "<s>",
    "eos_token": "</s>",
    "cls_token": "<cls>",
    "sep_token": "<sep>",
    "mask_token": "<mask>",
}


class Tokenizer(Technique):
    """Builds a tokenizer, by training where it has anything to learn."""

    family: ClassVar[str] = "tokenizer"

    @abstractmethod
    def build(self, texts: Iterator[str]) -> PreTrainedTokenizerFast:
        """A tokenizer trained on `texts` (the training split, streamed once), deterministic, in the form that
        `AutoTokenizer` loads, with every token of `SPECIAL_TOKENS`, which are its first ids in that order."""
