"""The unigram language model of SentencePiece."""

from __future__ import annotations

import io
from collections.abc import Iterator
from typing import TYPE_CHECKING, Annotated, ClassVar

from pydantic import Field

from pluglm import SPECIAL_TOKENS, DataError, Tokenizer
from pluglm_tokenizers.wrapping import wrap

if TYPE_CHECKING:
    from transformers import PreTrainedTokenizerFast

SPACE = "\u2581"
"""What SentencePiece writes for a space."""
LONGEST = 4000  # bytes of a line; SentencePiece leaves out longer ones


def pieces_of_text(text: str) -> Iterator[str]:
    """The text in lines of at most `LONGEST` bytes, without those that are empty."""
    for line in text.splitlines():
        for start in range(0, len(line), LONGEST // 4):
            part = line[start : start + LONGEST // 4].replace("\x00", "")
            if part.strip():
                yield part


class Unigram(Tokenizer):
    """Words cut into the pieces that are the most probable together, under a unigram language model of pieces.

    The model begins with many pieces and gives up those whose loss costs the least likelihood, by expectation and
    maximisation. Any text is encoded without loss: a character that training never saw becomes its bytes, and white
    space stays (U+2581 alone, which stands for a space in the pieces, comes back as one). Trained by SentencePiece on
    one thread, so that the same text gives the same bytes (the trainer of `tokenizers` gives another result each
    time); encoded by `tokenizers`.

    Source: Kudo 2018, https://arxiv.org/abs/1804.10959
    """

    requires: ClassVar[dict[str, str]] = {"sentencepiece": "pluglm[data]"}

    vocab_size: Annotated[
        int, Field(ge=len(SPECIAL_TOKENS) + 256 + 128, description="Tokens at most, special ones and bytes included")
    ] = 4096
    character_coverage: Annotated[
        float, Field(gt=0.9, le=1, description="Share of the text's characters that get a piece; the rest are bytes")
    ] = 0.9999
    max_piece_length: Annotated[int, Field(ge=1, le=512, description="Characters in a piece at most")] = 16
    max_sentences: Annotated[int, Field(ge=1, description="Lines that are learned from at most: the first ones")] = (
        2_000_000
    )

    def build(self, texts: Iterator[str]) -> PreTrainedTokenizerFast:
        """A tokenizer with at most `vocab_size` tokens: the special tokens, the bytes, then the pieces by likelihood.

        Raises:
            DataError: where there is no text to learn from.
        """
        from tokenizers import Tokenizer as Backend
        from tokenizers import decoders, models, pre_tokenizers

        vocabulary = [(token, 0.0) for token in SPECIAL_TOKENS.values()]
        vocabulary += [(f"<0x{byte:02X}>", 0.0) for byte in range(256)]
        vocabulary += self._pieces(texts)
        backend = Backend(models.Unigram(vocabulary, list(SPECIAL_TOKENS).index("unk_token"), byte_fallback=True))
        # With < by itself, neither a special token nor a byte that is spelt out in a text is taken for one.
        backend.pre_tokenizer = pre_tokenizers.Sequence(
            [
                pre_tokenizers.Metaspace(replacement=SPACE, prepend_scheme="never", split=True),
                pre_tokenizers.Split("<", "isolated"),
            ]
        )
        backend.decoder = decoders.Sequence([decoders.Replace(SPACE, " "), decoders.ByteFallback(), decoders.Fuse()])
        return wrap(backend)

    def _pieces(self, texts: Iterator[str]) -> list[tuple[str, float]]:
        """(piece, log probability), the likeliest first, of equal ones the first in the alphabet."""
        import sentencepiece

        count = 0

        def lines() -> Iterator[str]:
            nonlocal count
            for text in texts:
                for line in pieces_of_text(text):
                    if count == self.max_sentences:
                        return
                    count += 1
                    yield line

        written = io.BytesIO()
        room = self.vocab_size - len(SPECIAL_TOKENS) - 256
        try:
            sentencepiece.SentencePieceTrainer.train(
                sentence_iterator=lines(),
                model_writer=written,
                model_type="unigram",
                vocab_size=room - 1,  # with its token for the unknown, and without line end and tab
                bos_id=-1,
                eos_id=-1,
                pad_id=-1,
                unk_id=0,
                hard_vocab_limit=False,
                character_coverage=self.character_coverage,
                max_sentencepiece_length=self.max_piece_length,
                normalization_rule_name="identity",
                remove_extra_whitespaces=False,
                add_dummy_prefix=False,
                num_threads=1,
                minloglevel=3,
            )
        except (RuntimeError, OSError) as error:
            reason = " ".join(str(error).split())[-200:] if count else "the training documents hold no text"
            raise DataError(f"tokenizer={self.name} cannot be trained: {reason}") from None
        model = sentencepiece.SentencePieceProcessor(model_proto=written.getvalue())
        pieces = [(model.id_to_piece(i), model.get_score(i)) for i in range(1, model.get_piece_size())]
        pieces = [(piece, score) for piece, score in pieces if piece == "<" or "<" not in piece]
        best = max(score for _, score in pieces)
        # Line ends and tabs, which SentencePiece does not see, compete with nothing; nor does a space where training
        # saw none, which as bytes would come back as U+2581.
        missing = ["\n", "\t", *([] if any(piece == SPACE for piece, _ in pieces) else [SPACE])]
        pieces = sorted(pieces, key=lambda pair: (-pair[1], pair[0]))[: room - len(missing)]
        pieces += [(piece, best) for piece in missing]
        return sorted(pieces, key=lambda pair: (-pair[1], pair[0]))
