"""Tokenizers that lose nothing: text comes back from its ids as it was."""

from __future__ import annotations

from pluglm import Tokenizer, hookimpl
from pluglm_tokenizers.bpe import Bpe
from pluglm_tokenizers.byte import Byte


@hookimpl
def register_tokenizers() -> list[type[Tokenizer]]:
    return [Bpe, Byte]
