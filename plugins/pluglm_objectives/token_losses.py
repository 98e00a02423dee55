"""What objectives over tokens share: ends of texts, padding, and what the model reads."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

from pluglm import Batch, SpecialTokens, encode_text, own_special_tokens

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


def beginnings(ids: torch.Tensor, special: SpecialTokens) -> torch.Tensor:
    """(batch, length) bools: whether a document, or padding, begins there, behind the end of another document. The
    first column is left out."""
    import torch

    begins = torch.zeros_like(ids, dtype=torch.bool)
    first = ids[:, 1:] == special.start[0] if special.start else begins[:, 1:]
    if not special.end:
        begins[:, 1:] = first
    else:
        begins[:, 1:] = ids[:, :-1] == special.end[-1]
        if special.start[:1] == special.end[-1:]:
            # One token both begins and ends a text: the second of two in a row begins one.
            begins[:, 1:] &= first
    return begins


def positions(ids: torch.Tensor, special: SpecialTokens) -> torch.Tensor:
    """(batch, length) ints: the place of each token in its document."""
    import torch

    places = torch.arange(ids.shape[1]).expand_as(ids)
    begins = beginnings(ids, special)
    return places - torch.where(begins, places, 0).cummax(dim=1).values


def isolation_mask(places: torch.Tensor) -> torch.Tensor:
    """(batch, 1, length, length) bools: whether the first position may look at the second, which is in the same
    document; from the `positions` (batch, length) in documents."""
    documents = (places == 0).cumsum(dim=1)
    return (documents[:, :, None] == documents[:, None, :])[:, None]


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


def ended_special_tokens(tokenizer: PreTrainedTokenizerFast) -> SpecialTokens:
    """What the tokenizer itself puts around a text, and in any case a token that ends it, by which the model knows when
    to stop."""
    own, end = own_special_tokens(tokenizer), tuple(end_of_text(tokenizer))
    return own if own.end[-1:] == end else SpecialTokens(own.start, own.end + end)


def framing_special_tokens(tokenizer: PreTrainedTokenizerFast) -> SpecialTokens:
    """What the tokenizer itself puts around a text; one that puts nothing there gets the class token before it, and the
    token that ends a text behind it."""
    own = own_special_tokens(tokenizer)
    return own or SpecialTokens(tuple(start_of_text(tokenizer)), tuple(end_of_text(tokenizer)))


def model_inputs(batch: Batch) -> dict[str, Any]:
    """What of a batch the model reads; `inputs_embeds` takes the place of `input_ids`."""
    names = ["inputs_embeds" if "inputs_embeds" in batch else "input_ids", "attention_mask", "position_ids"]
    return {name: batch[name] for name in (*names, "token_type_ids") if name in batch}


def pair_inputs(model: PreTrainedModel, batch: Batch) -> dict[str, Any]:
    """What an encoder and its decoder read: the decoder reads the labels, moved by one place."""
    inputs = model_inputs(batch)
    return inputs | {"decoder_input_ids": model.prepare_decoder_input_ids_from_labels(batch["labels"])}
