"""A new encoder."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

from pluglm_models.sizes import SizedModel

if TYPE_CHECKING:
    from transformers import PreTrainedConfig, PreTrainedTokenizerFast


class MaskedLm(SizedModel):
    """A new encoder, which reads from both sides, as a BERT of `transformers`, without dropout.

    Source: Devlin et al. 2019, https://arxiv.org/abs/1810.04805
    """

    def heads(self) -> frozenset[str]:
        """A masked language model, a judge of whether two segments follow each other, both, or a classifier at the
        first token."""
        return frozenset(
            {
                "AutoModelForMaskedLM",
                "AutoModelForNextSentencePrediction",
                "AutoModelForPreTraining",
                "AutoModelForSequenceClassification",
            }
        )

    def config(
        self, tokenizer: PreTrainedTokenizerFast, sequence_length: int, options: Mapping[str, Any]
    ) -> PreTrainedConfig:
        """The `transformers` config, all dropouts 0."""
        import transformers

        shape = self.shape()
        return transformers.BertConfig(
            vocab_size=len(tokenizer),
            hidden_size=shape.hidden_size,
            num_hidden_layers=shape.num_layers,
            num_attention_heads=shape.num_heads,
            intermediate_size=self.intermediate_size or 4 * shape.hidden_size,
            max_position_embeddings=sequence_length,
            hidden_dropout_prob=0.0,
            attention_probs_dropout_prob=0.0,
            pad_token_id=tokenizer.pad_token_id,
            bos_token_id=tokenizer.bos_token_id,
            eos_token_id=tokenizer.eos_token_id,
            tie_word_embeddings=self.tie_embeddings,
            **options,
        )
