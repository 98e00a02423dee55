"""Causal language modelling."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from typing import TYPE_CHECKING, Any, ClassVar

from pluglm import Batch, Document, Example, Losses, Objective, Predictions
from pluglm_objectives.token_losses import (
    IGNORED,
    attention_mask,
    cross_entropy_by_example,
    end_of_text,
    model_outputs,
    padded,
    predictions_of,
    text_ids,
)

if TYPE_CHECKING:
    import numpy as np
    from transformers import PreTrainedModel, PreTrainedTokenizerFast


class Clm(Objective):
    """Predict each token from those before it: the loss is -log p(token t | tokens < t), averaged over tokens.

    Documents end with the tokenizer's end-of-text token and are joined into full blocks unless data.packing is off.

    Source: Radford et al. 2018, "Improving Language Understanding by Generative Pre-Training".
    """

    head: ClassVar[str] = "AutoModelForCausalLM"
    packs: ClassVar[bool] = True
    suggests: ClassVar[dict[str, str]] = {"model": "causal_lm"}

    def examples(
        self, document: Document, tokenizer: PreTrainedTokenizerFast, sequence_length: int, fitted: Mapping[str, Any]
    ) -> Iterable[Example]:
        """The document's tokens and the end-of-text token; nothing for an empty document."""
        if document.text:
            yield {"input_ids": [*text_ids(document.text, tokenizer), *end_of_text(tokenizer)]}

    def collate(
        self, examples: Sequence[Example], tokenizer: PreTrainedTokenizerFast, generators: Sequence[np.random.Generator]
    ) -> Batch:
        """`input_ids` and `labels`, (batch, longest); padding has no label."""
        rows = [example["input_ids"] for example in examples]
        pad = tokenizer.pad_token_id
        return {"input_ids": padded(rows, pad), "labels": padded(rows, IGNORED), **attention_mask(rows)}

    def loss(self, model: PreTrainedModel, batch: Batch, **forward: Any) -> Losses:
        """Cross-entropy of each position's logits with the next token."""
        import torch.nn.functional as F

        outputs = model_outputs(model, batch, **{"use_cache": False, **forward})
        # The labels move, not the logits: these are many times larger, and cutting them would copy them.
        return cross_entropy_by_example(outputs.logits, F.pad(batch["labels"][:, 1:], (0, 1), value=IGNORED), outputs)

    def predict(self, model: PreTrainedModel, batch: Batch) -> Predictions:
        """The likeliest next token at every position."""
        return predictions_of(model_outputs(model, batch, use_cache=False).logits[:, :-1], batch["labels"][:, 1:])
