"""Masked language modelling."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from typing import TYPE_CHECKING, Annotated, Any, ClassVar

from pydantic import Field

from pluglm import Batch, Document, Example, Losses, Predictions
from pluglm_objectives.masking import MaskingObjective
from pluglm_objectives.token_losses import (
    IGNORED,
    attention_mask,
    end_of_text,
    isolation_mask,
    model_inputs,
    padded,
    positions,
    start_of_text,
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
    suggests: ClassVar[dict[str, str]] = {"model": "masked_lm"}

    isolate_documents: Annotated[
        bool,
        Field(description="Whether a document in a block sees nothing of the others: exact, slower attention"),
    ] = False

    def examples(
        self, document: Document, tokenizer: PreTrainedTokenizerFast, sequence_length: int, fitted: Mapping[str, Any]
    ) -> Iterable[Example]:
        """The class token, the document's tokens and the end-of-text token; nothing for an empty document."""
        if document.text:
            ids = text_ids(document.text, tokenizer)
            yield {"input_ids": [*start_of_text(tokenizer), *ids, *end_of_text(tokenizer)]}

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
        places = positions(padded([e["input_ids"] for e in examples], tokenizer.pad_token_id), end_of_text(tokenizer))
        return batch | {"position_ids": places, "attention_mask": isolation_mask(places)}

    def loss(self, model: PreTrainedModel, batch: Batch, **forward: Any) -> Losses:
        """Cross-entropy at the chosen positions."""
        scores = token_scores(model, model_inputs(batch), self.loss_chunk, **forward)
        return scores.losses(batch["labels"], self.z_of(model))

    def predict(self, model: PreTrainedModel, batch: Batch) -> Predictions:
        """The likeliest token at every chosen position."""
        return token_scores(model, model_inputs(batch), self.loss_chunk).predictions(batch["labels"])
