"""Text to token ids, by tokenizers that are trained on the run's own documents or are there already."""

from __future__ import annotations

from pluglm import Tokenizer, hookimpl
from pluglm_tokenizers.bpe import Bpe
from pluglm_tokenizers.byte import Byte
from pluglm_tokenizers.pretrained import Pretrained
from pluglm_tokenizers.unigram import Unigram
from pluglm_tokenizers.word import Word
from pluglm_tokenizers.wordpiece import Wordpiece


@hookimpl
def register_tokenizers() -> list[type[Tokenizer]]:
    return [Bpe, Wordpiece, Unigram, Word, Byte, Pretrained]
