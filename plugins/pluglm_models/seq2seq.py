"""A new encoder with a decoder."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import TYPE_CHECKING, Annotated, Any, Literal

from pydantic import Field

from pluglm import Problem
from pluglm_models.sizes import SizedModel, gated_width

if TYPE_CHECKING:
    from transformers import PreTrainedConfig, PreTrainedTokenizerFast

    from pluglm import RunConfig


class Seq2seq(SizedModel):
    """A new encoder that reads one text and a decoder that writes another, as a T5 or a BART of `transformers`, without
    dropout.

    The encoder and the decoder have `num_layers` blocks each, so that a preset has a little more than twice the
    parameters it says. T5 (as its version 1.1) has relative positions, RMSNorm and a gated feed-forward part of 8/3 of
    the width, and takes texts longer than those it was trained on; BART has learned positions, LayerNorm and one of 4
    times the width.

    Sources: Raffel et al. 2020, https://arxiv.org/abs/1910.10683; Lewis et al. 2020, https://arxiv.org/abs/1910.13461
    """

    architecture: Annotated[Literal["t5", "bart"], Field(description="Which encoder and decoder")] = "t5"

    def heads(self) -> frozenset[str]:
        """A model that writes text for text."""
        return frozenset({"AutoModelForSeq2SeqLM"})

    def problems(self, run: RunConfig) -> Iterator[Problem]:
        """In `transformers`, a T5 always shares its embeddings, and a BART that does not has some that nothing uses."""
        yield from super().problems(run)
        if not self.tie_embeddings:
            yield Problem("model.tie_embeddings", "cannot be off for an encoder with a decoder", False, "leave it true")

    def config(
        self, tokenizer: PreTrainedTokenizerFast, sequence_length: int, options: Mapping[str, Any]
    ) -> PreTrainedConfig:
        """The `transformers` config, all dropouts 0. The decoder begins with the token for padding (T5) or the end of
        text (BART)."""
        import transformers

        shape = self.shape()
        width, layers, heads = shape.hidden_size, shape.num_layers, shape.num_heads
        common = {
            "vocab_size": len(tokenizer),
            "d_model": width,
            "pad_token_id": tokenizer.pad_token_id,
            "bos_token_id": tokenizer.bos_token_id,
            "eos_token_id": tokenizer.eos_token_id,
            "tie_word_embeddings": self.tie_embeddings,
            **options,
        }
        if self.architecture == "t5":
            return transformers.T5Config(
                d_kv=width // heads,
                num_layers=layers,
                num_decoder_layers=layers,
                num_heads=heads,
                d_ff=self.intermediate_size or gated_width(width),
                feed_forward_proj="gated-gelu",
                dropout_rate=0.0,
                decoder_start_token_id=tokenizer.pad_token_id,
                **common,
            )
        inner = self.intermediate_size or 4 * width
        return transformers.BartConfig(
            encoder_layers=layers,
            decoder_layers=layers,
            encoder_attention_heads=heads,
            decoder_attention_heads=heads,
            encoder_ffn_dim=inner,
            decoder_ffn_dim=inner,
            max_position_embeddings=sequence_length,
            dropout=0.0,
            attention_dropout=0.0,
            activation_dropout=0.0,
            classifier_dropout=0.0,
            decoder_start_token_id=tokenizer.eos_token_id,
            forced_eos_token_id=None,
            **common,
        )
