"""What objectives over tokens share: padding and cross-entropy by example."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

from pluglm import Batch, Losses, Predictions, Scored, encode_text

if TYPE_CHECKING:
    import torch
    from transformers import PreTrainedModel, PreTrainedTokenizerFast

IGNORED = -100
"""The label of a position that has no loss, as `transformers` has it."""


def padded(rows: Sequence[Any], value: int) -> torch.Tensor:
    """(batch, longest) ints, each row filled up on the right with `value`."""
    import torch

    tensors = [torch.as_tensor(row, dtype=torch.long) for row in rows]
    return torch.nn.utils.rnn.pad_sequence(tensors, batch_first=True, padding_value=value)


def attention_mask(rows: Sequence[Any]) -> dict[str, torch.Tensor]:
    """The mask of what is not padding, and nothing where nothing is padded: attention is faster without a mask."""
    import torch

    if len({len(row) for row in rows}) == 1:
        return {}
    return {"attention_mask": padded([torch.ones(len(row), dtype=torch.long) for row in rows], 0)}


def end_of_text(tokenizer: PreTrainedTokenizerFast) -> list[int]:
    """The token that ends a document: the same for every objective, so that a model trained by one knows it in another.
    Tokenizers of encoders often have a separator in its place; nothing where there is neither."""
    ids = (tokenizer.eos_token_id, tokenizer.sep_token_id)
    return [next(i for i in ids if i is not None)] if any(i is not None for i in ids) else []


def start_of_text(tokenizer: PreTrainedTokenizerFast) -> list[int]:
    """The token at which encoders answer about a whole document; the first token of decoders that have one."""
    ids = (tokenizer.cls_token_id, tokenizer.bos_token_id)
    return [next(i for i in ids if i is not None)] if any(i is not None for i in ids) else []


def text_ids(text: str, tokenizer: PreTrainedTokenizerFast) -> list[int]:
    """The ids of `text` alone; a special token that is spelt out in it is text."""
    return encode_text(text, tokenizer)


def model_outputs(model: PreTrainedModel, batch: Batch, **forward: Any) -> Any:
    """The model's outputs for the inputs in the batch; `inputs_embeds` takes the place of `input_ids`."""
    names = ["inputs_embeds" if "inputs_embeds" in batch else "input_ids", "attention_mask", "position_ids"]
    return model(**{name: batch[name] for name in names if name in batch}, **forward)


def cross_entropy_by_example(logits: torch.Tensor, labels: torch.Tensor, outputs: Any) -> Losses:
    """Losses of `logits` (batch, length, vocabulary) against `labels` (batch, length), ignored where -100."""
    import torch.nn.functional as F

    losses = F.cross_entropy(
        logits.flatten(0, 1).float(), labels.flatten(), ignore_index=IGNORED, reduction="none"
    ).view_as(labels)
    counts = (labels != IGNORED).sum(dim=1).to(losses.dtype)
    return Losses(losses.sum(dim=1), counts, outputs, scored=lambda: [scored_of(logits, labels)])


def scored_of(logits: torch.Tensor, labels: torch.Tensor) -> Scored:
    """The distributions at each position that has a label."""
    counted = labels != IGNORED
    return Scored(logits[counted].float(), labels[counted], counted.nonzero()[:, 0])


def predictions_of(logits: torch.Tensor, labels: torch.Tensor) -> Predictions:
    """The likeliest token at each position that has a label."""
    counted = labels != IGNORED
    return Predictions(logits.argmax(dim=-1)[counted], labels[counted], counted.nonzero()[:, 0])
