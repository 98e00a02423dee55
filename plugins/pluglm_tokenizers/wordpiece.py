"""WordPiece, as BERT uses it."""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING, Annotated

from pydantic import Field

from pluglm import SPECIAL_TOKENS, Tokenizer
from pluglm_tokenizers.wrapping import wrap

if TYPE_CHECKING:
    from transformers import PreTrainedTokenizerFast


# Marks the beginning of a word while pieces are learned (U+2581, as SentencePiece writes it).
START = "\u2581"
# Characters of a word beyond which `tokenizers` takes it for unknown; more of them would take the trainer very long.
LONGEST = 100


class Wordpiece(Tokenizer):
    """Words cut into the longest known pieces; a piece within a word begins with ##.

    Text is split at white space and punctuation, so that white space does not come back as it was; a word with a
    character that training never saw is unknown.

    Sources: Schuster and Nakajima 2012; Devlin et al. 2018 (BERT), https://arxiv.org/abs/1810.04805.
    """

    vocab_size: Annotated[
        int, Field(ge=len(SPECIAL_TOKENS) + 1, description="Tokens at most, the special ones included")
    ] = 4096
    min_frequency: Annotated[int, Field(ge=1, description="How often a pair must occur to become a piece")] = 2
    lowercase: Annotated[bool, Field(description="Lower case and without accents, as BERT's uncased models")] = False

    def build(self, texts: Iterator[str]) -> PreTrainedTokenizerFast:
        """A tokenizer with at most `vocab_size` pieces."""
        from tokenizers import Tokenizer as Backend
        from tokenizers import decoders, models, normalizers, pre_tokenizers

        normalizer = normalizers.BertNormalizer(
            clean_text=True, handle_chinese_chars=True, strip_accents=self.lowercase, lowercase=self.lowercase
        )
        splitter = pre_tokenizers.BertPreTokenizer()
        words = (
            [word for word, _ in splitter.pre_tokenize_str(normalizer.normalize_str(part.replace(START, " ")))]
            for text in texts
            for part in self.parts(text)
        )
        vocabulary = {piece: number for number, piece in enumerate(self.pieces(words))}
        backend = Backend(models.WordPiece(vocabulary, unk_token=SPECIAL_TOKENS["unk_token"]))
        backend.normalizer, backend.pre_tokenizer = normalizer, splitter
        backend.decoder = decoders.WordPiece(cleanup=False)
        return wrap(backend)

    def pieces(self, words: Iterator[list[str]]) -> list[str]:
        """The vocabulary: special tokens, characters, and the merges of byte-pair encoding over marked words.

        The library's own trainer of WordPiece gives another vocabulary each time, as it numbers the characters within
        words in the order of a hash table. Its trainer of byte-pair encoding does not.
        """
        from tokenizers import Tokenizer as Backend
        from tokenizers import models, pre_tokenizers, trainers

        backend = Backend(models.BPE())
        backend.pre_tokenizer = pre_tokenizers.WhitespaceSplit()
        trainer = trainers.BpeTrainer(
            vocab_size=self.vocab_size, min_frequency=self.min_frequency, initial_alphabet=[START], show_progress=False
        )
        backend.train_from_iterator((" ".join(START + word[:LONGEST] for word in line) for line in words), trainer)
        known = backend.get_vocab()
        found = dict.fromkeys(SPECIAL_TOKENS.values())
        for token in sorted(known, key=lambda token: (len(token.lstrip(START)) > 1, known[token])):
            inside, alone = token.lstrip(START), token.startswith(START)
            if inside:
                # A character can begin a word or go on with it, whatever was seen.
                forms = [inside, f"##{inside}"] if len(token) == 1 else [inside if alone else f"##{inside}"]
                found |= dict.fromkeys(forms)
        return list(found)[: self.vocab_size]
