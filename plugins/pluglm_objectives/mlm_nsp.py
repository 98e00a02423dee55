"""BERT's pre-training: hidden tokens and next sentences at once."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from typing import TYPE_CHECKING, Annotated, Any, ClassVar

from pydantic import Field

from pluglm import Batch, Example, Losses, Predictions
from pluglm_objectives.masking import MaskingObjective
from pluglm_objectives.nsp import next_sentence_losses
from pluglm_objectives.sentence_pairs import SentencePairObjective
from pluglm_objectives.token_losses import IGNORED, attention_mask, model_inputs, padded
from pluglm_objectives.token_objective import token_scores

if TYPE_CHECKING:
    import numpy as np
    from transformers import PreTrainedModel, PreTrainedTokenizerFast


class MlmNsp(SentencePairObjective, MaskingObjective):
    """Predict hidden tokens of two segments, and tell whether the second follows the first in its document.

    The loss is the mean cross-entropy of the hidden tokens plus that of the pairs, in which a pair counts by how many
    of its tokens are hidden, so that it does not depend on how a batch is cut. For pairs of one length it is BERT's.

    Source: Devlin et al. 2019, https://arxiv.org/abs/1810.04805
    """

    head: ClassVar[str] = "AutoModelForPreTraining"
    suggests: ClassVar[dict[str, str]] = {"model": "masked_lm"}
    loss_of: ClassVar[str] = "hidden token, with its share of the pair's"

    nsp_weight: Annotated[float, Field(ge=0, description="Of the pairs' loss in the sum")] = 1.0

    def collate(
        self, examples: Sequence[Example], tokenizer: PreTrainedTokenizerFast, generators: Sequence[np.random.Generator]
    ) -> Batch:
        """`input_ids` with tokens hidden, `labels` at those alone and `token_type_ids`, (batch, longest);
        `next_sentence_label` (batch,), 1 where the second segment is another document's."""
        import torch

        pairs = [self.paired(e, tokenizer, g) for e, g in zip(examples, generators, strict=True)]
        hidden = [self.hide(ids, tokenizer, g) for (ids, _, _), g in zip(pairs, generators, strict=True)]
        return {
            "input_ids": padded([ids for ids, _ in hidden], tokenizer.pad_token_id),
            "labels": padded([labels for _, labels in hidden], IGNORED),
            "token_type_ids": padded([kinds for _, kinds, _ in pairs], 0),
            "next_sentence_label": torch.tensor([label for _, _, label in pairs]),
            **attention_mask([ids for ids, _, _ in pairs]),
        }

    def loss(self, model: PreTrainedModel, batch: Batch, **forward: Any) -> Losses:
        """Both losses; each is logged by itself too."""
        scores = token_scores(model, model_inputs(batch), self.loss_chunk, **forward)
        masked = scores.losses(batch["labels"], self.z_of(model))
        pairs, scored = next_sentence_losses(scores.outputs.seq_relationship_logits, batch["next_sentence_label"])
        mean = masked.sums.detach().sum() / masked.counts.sum().clamp(min=1)
        hidden = masked.scored
        return replace(
            masked.plus(self.nsp_weight * pairs, "nsp_loss"),
            metrics={**masked.metrics, "masked_loss": mean, "nsp_loss": pairs.detach().mean()},
            scored=lambda: [*(hidden() if hidden else ()), scored],
        )

    def predict(self, model: PreTrainedModel, batch: Batch) -> Predictions:
        """The likeliest token at every hidden place, and beside them the likelier answer for each pair."""
        import torch

        scores = token_scores(model, model_inputs(batch), self.loss_chunk)
        labels = batch["next_sentence_label"]
        answers = scores.outputs.seq_relationship_logits.argmax(dim=-1)
        pairs = Predictions(answers, labels, torch.arange(len(labels), device=labels.device), "nsp")
        return replace(scores.predictions(batch["labels"], "masked"), also=[pairs])
