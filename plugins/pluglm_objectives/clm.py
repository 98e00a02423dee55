"""Causal language modelling."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from typing import TYPE_CHECKING, Annotated, Any, ClassVar

from pydantic import Field

from pluglm import Batch, Document, Example, Losses, Predictions, SpecialTokens
from pluglm_objectives.token_losses import (
    IGNORED,
    attention_mask,
    beginnings,
    ended_special_tokens,
    model_inputs,
    padded,
    positions,
    text_ids,
)
from pluglm_objectives.token_objective import TokenObjective, token_scores

if TYPE_CHECKING:
    import numpy as np
    import torch
    from transformers import PreTrainedModel, PreTrainedTokenizerFast


def next_tokens(labels: torch.Tensor) -> torch.Tensor:
    """(batch, length) labels, one place to the left: these move, not the logits, which are many times larger."""
    import torch.nn.functional as F

    return F.pad(labels[:, 1:], (0, 1), value=IGNORED)


class Clm(TokenObjective):
    """Predict each token from those before it: the loss is -log p(token t | tokens < t), averaged over tokens.

    Documents begin as the tokenizer itself begins a text (Llama's with `<s>`), end with its end-of-text token, and are
    joined into full blocks unless data.packing is off. The token that begins a text is not predicted.

    Source: Radford et al. 2018, "Improving Language Understanding by Generative Pre-Training".
    """

    head: ClassVar[str] = "AutoModelForCausalLM"
    packs: ClassVar[bool] = True
    continues: ClassVar[bool] = True
    loss_of: ClassVar[str] = "token"
    suggests: ClassVar[dict[str, str]] = {"model": "causal_lm"}

    isolate_documents: Annotated[
        bool,
        Field(description="Whether a document in a block sees nothing of those before it: exact, slower attention"),
    ] = False

    def special_tokens(self, tokenizer: PreTrainedTokenizerFast) -> SpecialTokens:
        """What the tokenizer itself puts there, and in any case the end-of-text token."""
        return ended_special_tokens(tokenizer)

    def examples(
        self, document: Document, tokenizer: PreTrainedTokenizerFast, sequence_length: int, fitted: Mapping[str, Any]
    ) -> Iterable[Example]:
        """The document's tokens with the special tokens around them; nothing for an empty document."""
        if document.text:
            ids = text_ids(document.text, tokenizer)
            yield {"input_ids": self.special_tokens(tokenizer).around(ids)}

    def collate(
        self, examples: Sequence[Example], tokenizer: PreTrainedTokenizerFast, generators: Sequence[np.random.Generator]
    ) -> Batch:
        """`input_ids` and `labels`, (batch, longest); padding has no label."""
        rows = [example["input_ids"] for example in examples]
        batch = {"input_ids": padded(rows, tokenizer.pad_token_id), "labels": padded(rows, IGNORED)}
        special = self.special_tokens(tokenizer)
        if special.start:
            batch["labels"][beginnings(batch["input_ids"], special)] = IGNORED
        if not self.isolate_documents:
            return batch | attention_mask(rows)
        places = positions(batch["input_ids"], special)
        # Nothing predicts the first token of a document. What follows the last one is padding, which nothing looks
        # back at, so that no mask is needed, with which `transformers` would not tell documents apart.
        batch["labels"][places == 0] = IGNORED
        return batch | {"position_ids": places}

    def loss(self, model: PreTrainedModel, batch: Batch, **forward: Any) -> Losses:
        """Cross-entropy of each position's logits with the next token."""
        scores = token_scores(model, model_inputs(batch), self.loss_chunk, **{"use_cache": False, **forward})
        return scores.losses(next_tokens(batch["labels"]), self.z_of(model))

    def predict(self, model: PreTrainedModel, batch: Batch) -> Predictions:
        """The likeliest next token at every position."""
        scores = token_scores(model, model_inputs(batch), self.loss_chunk, use_cache=False)
        return scores.predictions(next_tokens(batch["labels"]))
