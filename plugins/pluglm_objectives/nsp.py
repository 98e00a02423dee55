"""Next sentence prediction."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any, ClassVar

from pluglm import Batch, Example, Losses, Predictions, Scored
from pluglm_objectives.sentence_pairs import SentencePairObjective
from pluglm_objectives.token_losses import attention_mask, model_inputs, padded

if TYPE_CHECKING:
    import numpy as np
    import torch
    from transformers import PreTrainedModel, PreTrainedTokenizerFast


def next_sentence_losses(logits: torch.Tensor, labels: torch.Tensor) -> tuple[torch.Tensor, Scored]:
    """(batch,) cross-entropies of logits (batch, 2) with labels (batch,), and the distributions behind them."""
    import torch
    import torch.nn.functional as F

    logits, rows = logits.float(), torch.arange(len(labels), device=labels.device)
    return F.cross_entropy(logits, labels, reduction="none"), Scored(logits, labels, rows)


class Nsp(SentencePairObjective):
    """Tell whether a segment follows another in its document, or comes from another document.

    Segments are whole sentences, as many as fit into half of the sequence. Which pairs are parted is drawn anew in
    every epoch. The loss is the cross-entropy of the two answers.

    Source: Devlin et al. 2019, https://arxiv.org/abs/1810.04805
    """

    head: ClassVar[str] = "AutoModelForNextSentencePrediction"
    suggests: ClassVar[dict[str, str]] = {"model": "masked_lm"}
    loss_of: ClassVar[str] = "pair of segments"

    def collate(
        self, examples: Sequence[Example], tokenizer: PreTrainedTokenizerFast, generators: Sequence[np.random.Generator]
    ) -> Batch:
        """`input_ids` and `token_type_ids` (batch, longest); `next_sentence_label` (batch,), 1 where it is another
        document's."""
        import torch

        rows = [self.paired(e, tokenizer, g) for e, g in zip(examples, generators, strict=True)]
        return {
            "input_ids": padded([ids for ids, _, _ in rows], tokenizer.pad_token_id),
            "token_type_ids": padded([kinds for _, kinds, _ in rows], 0),
            "next_sentence_label": torch.tensor([label for _, _, label in rows]),
            **attention_mask([ids for ids, _, _ in rows]),
        }

    def loss(self, model: PreTrainedModel, batch: Batch, **forward: Any) -> Losses:
        """One cross-entropy for each pair."""
        import torch

        outputs = model(**model_inputs(batch), **forward)
        losses, scored = next_sentence_losses(outputs.logits, batch["next_sentence_label"])
        return Losses(losses, torch.ones_like(losses), outputs, scored=lambda: [scored])

    def predict(self, model: PreTrainedModel, batch: Batch) -> Predictions:
        """The likelier answer for each pair."""
        import torch

        logits = model(**model_inputs(batch)).logits
        labels = batch["next_sentence_label"]
        return Predictions(logits.argmax(dim=-1), labels, torch.arange(len(labels), device=labels.device))
