"""What objectives share whose model reads one text and writes another."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, ClassVar

from pluglm import Batch, Losses, Predictions
from pluglm_objectives.token_losses import pair_inputs
from pluglm_objectives.token_objective import TokenObjective, token_scores

if TYPE_CHECKING:
    from transformers import PreTrainedModel


class WrittenTextObjective(TokenObjective):
    """An objective with `labels` in its batches: the text to be written."""

    head: ClassVar[str] = "AutoModelForSeq2SeqLM"
    suggests: ClassVar[dict[str, str]] = {"model": "seq2seq"}
    loss_of: ClassVar[str] = "token to be written"

    def loss(self, model: PreTrainedModel, batch: Batch, **forward: Any) -> Losses:
        """Cross-entropy of each token that is written, given the true ones before it."""
        inputs = pair_inputs(model, batch)
        scores = token_scores(model, inputs, self.loss_chunk, **{"use_cache": False, **forward})
        return scores.losses(batch["labels"], self.z_of(model))

    def predict(self, model: PreTrainedModel, batch: Batch) -> Predictions:
        """The likeliest token at every place of what is written, given the true ones before it."""
        scores = token_scores(model, pair_inputs(model, batch), self.loss_chunk, use_cache=False)
        return scores.predictions(batch["labels"])
