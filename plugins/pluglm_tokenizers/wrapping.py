"""From a tokenizer of the `tokenizers` library to one that `transformers` loads."""

from __future__ import annotations

from typing import TYPE_CHECKING

from pluglm import SPECIAL_TOKENS

if TYPE_CHECKING:
    from tokenizers import Tokenizer
    from transformers import PreTrainedTokenizerFast


def byte_level(backend: Tokenizer) -> Tokenizer:
    """`backend`, made to see text as bytes and to put bytes together as text."""
    from tokenizers import decoders, pre_tokenizers

    backend.pre_tokenizer = pre_tokenizers.ByteLevel(add_prefix_space=False)
    backend.decoder = decoders.ByteLevel()
    return backend


def wrap(backend: Tokenizer) -> PreTrainedTokenizerFast:
    """`backend` with the special tokens, lossless: nothing is cleaned up on the way back, and a special token that is
    spelt out in a text is text."""
    from transformers import PreTrainedTokenizerFast

    backend.add_special_tokens(list(SPECIAL_TOKENS.values()))
    return PreTrainedTokenizerFast(
        tokenizer_object=backend,
        clean_up_tokenization_spaces=False,
        split_special_tokens=True,
        padding_side="right",
        **SPECIAL_TOKENS,
    )
