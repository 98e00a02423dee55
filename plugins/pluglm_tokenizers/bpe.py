"""Byte-pair encoding over bytes."""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import TYPE_CHECKING, Annotated

from pydantic import Field

from pluglm import SPECIAL_TOKENS, Tokenizer
from pluglm_tokenizers.wrapping import byte_level, wrap

if TYPE_CHECKING:
    from transformers import PreTrainedTokenizerFast


LONG = re.compile(r"\S{1001,}|\s{1001,}")


def bounded(text: str) -> Iterator[str]:
    """The text in parts in which no word has more than a thousand characters: the trainer takes time by the square of
    the longest, hours for a file packed into one line."""
    start = 0
    for run in LONG.finditer(text):
        for place in range(run.start() + 1000, run.end(), 1000):
            yield text[start:place]
            start = place
    yield text[start:]


class Bpe(Tokenizer):
    """Byte-pair encoding over bytes: the most frequent pair of neighbouring tokens becomes a token, again and again.

    Any text is encoded without loss, since every byte is a token. Words are split as GPT-2 does, so that no token
    crosses from one word into the next.

    Sources: Sennrich et al. 2016, https://arxiv.org/abs/1508.07909; on bytes, Radford et al. 2019 (GPT-2).
    """

    vocab_size: Annotated[
        int, Field(ge=len(SPECIAL_TOKENS) + 256, description="Tokens at most, the special ones and the bytes included")
    ] = 2048
    min_frequency: Annotated[int, Field(ge=1, description="How often a pair must occur to become a token")] = 2

    def build(self, texts: Iterator[str]) -> PreTrainedTokenizerFast:
        """A tokenizer with at most `vocab_size` tokens: the special tokens, the bytes, then the merges in order."""
        from tokenizers import Tokenizer as Backend
        from tokenizers import models, pre_tokenizers, trainers

        backend = byte_level(Backend(models.BPE()))
        trainer = trainers.BpeTrainer(
            vocab_size=self.vocab_size,
            min_frequency=self.min_frequency,
            special_tokens=list(SPECIAL_TOKENS.values()),
            initial_alphabet=pre_tokenizers.ByteLevel.alphabet(),
            show_progress=False,
        )
        parts = (part for text in texts for part in self.parts(text))
        backend.train_from_iterator((short for part in parts for short in bounded(part)), trainer)
        return wrap(backend)
