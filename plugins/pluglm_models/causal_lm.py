"""A new decoder."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import TYPE_CHECKING, Annotated, Any, Literal

from pydantic import Field

from pluglm import Problem
from pluglm_models.sizes import SizedModel, gated_width

if TYPE_CHECKING:
    from transformers import PreTrainedConfig, PreTrainedTokenizerFast

    from pluglm import RunConfig


class CausalLm(SizedModel):
    """A new decoder, which reads from left to right, as a Llama or a GPT-2 of `transformers`.

    Llama has rotary positions, RMSNorm and a gated feed-forward part of 8/3 of the width; GPT-2 has learned positions,
    LayerNorm and one of 4 times the width.

    With `num_kv_heads` below the number of heads, several heads share their keys and values (grouped queries).

    Sources: Touvron et al. 2023, https://arxiv.org/abs/2302.13971; Radford et al. 2019 (GPT-2); grouped queries:
    Ainslie et al. 2023, https://arxiv.org/abs/2305.13245."""

    architecture: Annotated[Literal["llama", "gpt2"], Field(description="Which decoder")] = "llama"
    num_kv_heads: Annotated[
        int | None, Field(ge=1, description="Heads of keys and values, shared by the others (llama); null for all")
    ] = None

    def heads(self) -> frozenset[str]:
        """A language model, or a classifier at the last token."""
        return frozenset({"AutoModelForCausalLM", "AutoModelForSequenceClassification"})

    def problems(self, run: RunConfig) -> Iterator[Problem]:
        """Rotary positions turn pairs of numbers, so a head needs an even width."""
        yield from super().problems(run)
        shape = self.shape()
        if self.architecture == "llama" and (shape.hidden_size // shape.num_heads) % 2:
            yield Problem(
                "model.num_heads", "gives heads of odd width, which rotary positions cannot turn", shape.num_heads
            )
        if self.num_kv_heads is not None and self.architecture != "llama":
            hint = "leave it at null, or choose model.architecture=llama"
            yield Problem("model.num_kv_heads", "is for architecture=llama", self.num_kv_heads, hint)
        elif self.num_kv_heads is not None and shape.num_heads % self.num_kv_heads:
            reason = f"does not divide num_heads={shape.num_heads}"
            yield Problem("model.num_kv_heads", reason, self.num_kv_heads, "write a divisor of it")

    def config(
        self, tokenizer: PreTrainedTokenizerFast, sequence_length: int, options: Mapping[str, Any]
    ) -> PreTrainedConfig:
        """The `transformers` config, all dropouts 0."""
        import transformers

        shape = self.shape()
        common = {
            "vocab_size": len(tokenizer),
            "pad_token_id": tokenizer.pad_token_id,
            "bos_token_id": tokenizer.bos_token_id,
            "eos_token_id": tokenizer.eos_token_id,
            "tie_word_embeddings": self.tie_embeddings,
            **options,
        }
        if self.architecture == "llama":
            return transformers.LlamaConfig(
                hidden_size=shape.hidden_size,
                num_hidden_layers=shape.num_layers,
                num_attention_heads=shape.num_heads,
                num_key_value_heads=self.num_kv_heads or shape.num_heads,
                intermediate_size=self.intermediate_size or gated_width(shape.hidden_size),
                max_position_embeddings=sequence_length,
                **common,
            )
        return transformers.GPT2Config(
            n_embd=shape.hidden_size,
            n_layer=shape.num_layers,
            n_head=shape.num_heads,
            n_inner=self.intermediate_size or 4 * shape.hidden_size,
            n_positions=sequence_length,
            resid_pdrop=0.0,
            embd_pdrop=0.0,
            attn_pdrop=0.0,
            summary_first_dropout=0.0,
            **common,
        )
