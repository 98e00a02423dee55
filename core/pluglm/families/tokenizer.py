"""Tokenizers: text to token ids."""

from __future__ import annotations

from abc import abstractmethod
from collections.abc import Iterator
from typing import TYPE_CHECKING, ClassVar

from pluglm.document import text_parts
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
    learns: ClassVar[bool] = True
    """Whether `build` looks at the texts. One that does not is built to plan a run, before there are any."""

    @abstractmethod
    def build(self, texts: Iterator[str]) -> PreTrainedTokenizerFast:
        """A tokenizer trained on `texts` (the training split, streamed once), deterministic, in the form that
        `AutoTokenizer` loads, with every token of `SPECIAL_TOKENS`, which are its first ids in that order."""

    @staticmethod
    def parts(text: str) -> Iterator[str]:
        """A long text in parts that begin with a white space between two words, any other as it is: for `build`, where
        its library keeps all words of a text in memory, and would learn the same of the parts."""
        return text_parts(text)

    def planned_vocab_size(self) -> int | None:
        """How many tokens it will have before it is built, special ones included, as far as that is known: by default
        its parameter `vocab_size`."""
        size = getattr(self, "vocab_size", None)
        return size if isinstance(size, int) else None
