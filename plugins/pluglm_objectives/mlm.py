"""Masked language modelling."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from typing import TYPE_CHECKING, Annotated, Any, ClassVar

from pydantic import Field

from pluglm import Batch, Document, Example, Losses, Predictions, SpecialTokens
from pluglm_objectives.masking import MaskingObjective
from pluglm_objectives.token_losses import (
    IGNORED,
    attention_mask,
    framing_special_tokens,
    isolation_mask,
    model_inputs,
    padded,
    positions,
    text_ids,
)
from pluglm_objectives.token_objective import token_scores

if TYPE_CHECKING:
    import numpy as np
    from transformers import PreTrainedModel, PreTrainedTokenizerFast


class Mlm(MaskingObjective):
    """Predict tokens that were hidden, from both sides.

    A share of the tokens is chosen; of these 80 % become the mask token, 10 % a random token, and 10 % stay. The loss
    is averaged over the chosen tokens. Masks are drawn anew in every epoch.

    Sources: Devlin et al. 2019, https://arxiv.org/abs/1810.04805; whole words as in BERT's later release; spans of
    geometric length as in Joshi et al. 2020, https://arxiv.org/abs/1907.10529.
    """

    head: ClassVar[str] = "AutoModelForMaskedLM"
    packs: ClassVar[bool] = True
    loss_of: ClassVar[str] = "hidden token"
    suggests: ClassVar[dict[str, str]] = {"model": "masked_lm"}

    isolate_documents: Annotated[
        bool,
        Field(description="Whether a document in a block sees nothing of the others: exact, slower attention"),
    ] = False

    def special_tokens(self, tokenizer: PreTrainedTokenizerFast) -> SpecialTokens:
        """What the tokenizer itself puts there, else the class token and the end-of-text token."""
        return framing_special_tokens(tokenizer)

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
        """`input_ids` with tokens hidden, and `labels` at those alone, (batch, longest)."""
        rows = [self.hide(e["input_ids"], tokenizer, g) for e, g in zip(examples, generators, strict=True)]
        inputs, labels = [row[0] for row in rows], [row[1] for row in rows]
        batch = {"input_ids": padded(inputs, tokenizer.pad_token_id), "labels": padded(labels, IGNORED)}
        if not self.isolate_documents:
            return batch | attention_mask(inputs)
        # What was hidden is no end of a text, so that the ends are those of the original ids.
        original = padded([e["input_ids"] for e in examples], tokenizer.pad_token_id)
        places = positions(original, self.special_tokens(tokenizer))
        return batch | {"position_ids": places, "attention_mask": isolation_mask(places)}

    def loss(self, model: PreTrainedModel, batch: Batch, **forward: Any) -> Losses:
        """Cross-entropy at the chosen positions."""
        scores = token_scores(model, model_inputs(batch), self.loss_chunk, **forward)
        return scores.losses(batch["labels"], self.z_of(model))

    def predict(self, model: PreTrainedModel, batch: Batch) -> Predictions:
        """The likeliest token at every chosen position."""
        return token_scores(model, model_inputs(batch), self.loss_chunk).predictions(batch["labels"])
