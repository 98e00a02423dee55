"""Whole words."""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING, Annotated

from pydantic import Field

from pluglm import SPECIAL_TOKENS, Tokenizer
from pluglm_tokenizers.wrapping import wrap

if TYPE_CHECKING:
    from transformers import PreTrainedTokenizerFast


class Word(Tokenizer):
    """One token for each of the most frequent words and punctuation marks; every other word is unknown.

    For models that are read by their words, as in the days before subwords: white space is not kept.
    """

    vocab_size: Annotated[
        int, Field(ge=len(SPECIAL_TOKENS) + 1, description="Words at most, the special tokens included")
    ] = 20_000
    min_frequency: Annotated[int, Field(ge=1, description="How often a word must occur")] = 1
    lowercase: Annotated[bool, Field(description="Take upper and lower case as the same word")] = False

    def build(self, texts: Iterator[str]) -> PreTrainedTokenizerFast:
        """A tokenizer of at most `vocab_size` words; of equally frequent ones the first in the alphabet."""
        from tokenizers import Tokenizer as Backend
        from tokenizers import models, normalizers, pre_tokenizers, trainers

        backend = Backend(models.WordLevel(unk_token=SPECIAL_TOKENS["unk_token"]))
        if self.lowercase:
            backend.normalizer = normalizers.Lowercase()
        backend.pre_tokenizer = pre_tokenizers.Whitespace()
        trainer = trainers.WordLevelTrainer(
            vocab_size=self.vocab_size,
            min_frequency=self.min_frequency,
            special_tokens=list(SPECIAL_TOKENS.values()),
            show_progress=False,
        )
        backend.train_from_iterator((part for text in texts for part in self.parts(text)), trainer)
        return wrap(backend)
