"""One set of special tokens for a model's config, its generation config and its tokenizer."""

from __future__ import annotations

from collections.abc import Collection, Mapping
from typing import TYPE_CHECKING, Any

from pluglm_models.model_folders import OFFSET_PADDING, OFFSET_POSITIONS, heads_of

if TYPE_CHECKING:
    from transformers import PreTrainedModel, PreTrainedTokenizerFast

ROLES = ("bos", "eos", "pad")
PADDING = "<pad>"


def complete(tokenizer: PreTrainedTokenizerFast, config: Mapping[str, Any]) -> None:
    """Give `tokenizer` the special tokens that it lacks, in place: those that the model's `config.json` names, where
    they are special tokens of the vocabulary. Without one that ends a text, the separator does (BERT's vocabulary in a
    decoder). Without one for padding, the end of text pads; where there is none either, a token is added.

    Where positions are counted from the padding token on (RoBERTa), padding is what the config says.
    """
    special = special_ids(tokenizer)
    for role in ROLES:
        needed = role == "pad" and config.get("model_type") in OFFSET_POSITIONS
        said = config.get(f"{role}_token_id", OFFSET_PADDING if needed else None)
        if (getattr(tokenizer, f"{role}_token") is None or needed) and isinstance(said, int) and said in special:
            setattr(tokenizer, f"{role}_token", tokenizer.convert_ids_to_tokens(said))
    encoder = "AutoModelForMaskedLM" in heads_of(config)
    if tokenizer.eos_token is None and tokenizer.sep_token is not None and not encoder:
        tokenizer.eos_token = tokenizer.sep_token
    if tokenizer.pad_token is None:
        ends = (tokenizer.eos_token, tokenizer.sep_token)
        there = next((token for token in ends if token is not None), None)
        if there is None:
            tokenizer.add_special_tokens({"pad_token": PADDING})
        else:
            tokenizer.pad_token = there


def special_ids(tokenizer: PreTrainedTokenizerFast) -> set[int]:
    """The ids of all special tokens, with and without a role."""
    added = {number for number, token in tokenizer.added_tokens_decoder.items() if token.special}
    return added | set(tokenizer.all_special_ids)


def agree(model: PreTrainedModel, tokenizer: PreTrainedTokenizerFast) -> None:
    """Write the tokenizer's ids of special tokens into the model's config and generation config, in place.

    Further tokens that end a text (those that end a turn of a chat) stay where they are special tokens. Padding that is
    a token with another role as well, such as the end of text, gets gradients like any other.
    """
    special = special_ids(tokenizer)
    before = getattr(model.config, "eos_token_id", None)
    for config in (model.config, getattr(model, "generation_config", None)):
        if config is None:
            continue
        for role in ROLES:
            number = getattr(tokenizer, f"{role}_token_id")
            if role == "eos":
                number = stops(getattr(config, "eos_token_id", None), number, special)
            setattr(config, f"{role}_token_id", number)
        forced = getattr(config, "forced_eos_token_id", None)
        if forced is not None and forced == before:
            config.forced_eos_token_id = tokenizer.eos_token_id
    padding = tokenizer.pad_token_id
    others = {getattr(tokenizer, f"{role}_token_id") for role in ("bos", "eos", "cls", "sep", "unk", "mask")}
    words = model.get_input_embeddings().weight
    for module in model.modules():
        if getattr(module, "padding_idx", None) is not None and getattr(module, "weight", None) is words:
            module.padding_idx = None if padding in others else padding


def stops(said: Any, end: int | None, special: Collection[int]) -> int | list[int] | None:
    """The tokens at which generation stops: the tokenizer's, and what was `said` beside it as far as it is special."""
    if end is None or not isinstance(said, (list, tuple)):
        return end
    kept = [number for number in said if number == end or number in special]
    kept = kept if end in kept else [end, *kept]
    return kept if len(kept) > 1 else end
