"""One token for each byte."""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING, ClassVar

from pluglm import SPECIAL_TOKENS, Tokenizer
from pluglm_tokenizers.wrapping import byte_level, wrap

if TYPE_CHECKING:
    from transformers import PreTrainedTokenizerFast


def byte_characters() -> list[str]:
    """The character that stands for each of the 256 bytes in a byte-level vocabulary: a printable Latin-1 character
    for itself, and for the others, in order, the characters from U+0100 on (Radford et al. 2019, GPT-2)."""
    printable = {*range(0x21, 0x7F), *range(0xA1, 0xAD), *range(0xAE, 0x100)}
    others = iter(range(0x100, 0x200))
    return [chr(byte if byte in printable else next(others)) for byte in range(256)]


class Byte(Tokenizer):
    """One token for each byte of the text in UTF-8. It has nothing to learn; its sequences are long.

    Source: Xue et al. 2022 (ByT5), https://arxiv.org/abs/2105.13626
    """

    learns: ClassVar[bool] = False

    def build(self, texts: Iterator[str]) -> PreTrainedTokenizerFast:
        """A tokenizer in which byte b has the id b + number of special tokens; `texts` is not read."""
        from tokenizers import Tokenizer as Backend
        from tokenizers import models

        tokens = [*SPECIAL_TOKENS.values(), *byte_characters()]
        return wrap(byte_level(Backend(models.BPE(vocab={token: i for i, token in enumerate(tokens)}, merges=[]))))
