"""The tokenizer as it is saved beside a trained model, for those who use the model without pluglm."""

from __future__ import annotations

import copy
import json
from collections.abc import Iterator
from typing import TYPE_CHECKING, Any

from pluglm.families import Objective, SpecialTokens, own_special_tokens
from pluglm.families.special_tokens import KNOWN

if TYPE_CHECKING:
    from transformers import PreTrainedModel, PreTrainedTokenizerFast

CAUSAL = "AutoModelForCausalLM"
UNLIMITED = 10**9
"""What `transformers` writes where a tokenizer knows no limit is larger."""
MASKED = ("AutoModelForMaskedLM", "AutoModelForPreTraining")
SPACES = "\u0120\u2581"
"""How vocabularies write a space: byte-level ones, and SentencePiece."""


def exported_tokenizer(
    tokenizer: PreTrainedTokenizerFast, model: PreTrainedModel, objective: Objective, sequence_length: int
) -> PreTrainedTokenizerFast:
    """A copy of the run's tokenizer that treats texts as the objective did, as `transformers.pipeline` expects.

    It puts the objective's special tokens around a text, truncates to what the model takes, finds special tokens that
    are spelt out (a mask, a turn of a chat), and pads on the left where the model continues texts.
    """
    exported = copy.deepcopy(tokenizer)
    vars(exported).pop(KNOWN, None)
    special = objective.special_tokens(tokenizer)
    wanted = SpecialTokens(special.start, () if objective.continues else special.end)
    if wanted != own_special_tokens(tokenizer):
        set_special_tokens(exported, wanted)
    two_kinds = (getattr(model.config, "type_vocab_size", None) or 0) > 1
    settings = {
        "model_max_length": longest_text(tokenizer, model, sequence_length),
        "split_special_tokens": False,
        "padding_side": "left" if objective.head == CAUSAL else "right",
        "truncation_side": "right",
        "model_input_names": ["input_ids", *(["token_type_ids"] if two_kinds else []), "attention_mask"],
    }
    for name, value in settings.items():
        setattr(exported, name, value)
        exported.init_kwargs[name] = value  # of a tokenizer that was loaded, these alone are saved
    if objective.head in MASKED and exported.mask_token is not None:
        _let_mask_take_the_space(exported)
    return exported


def longest_text(tokenizer: PreTrainedTokenizerFast, model: PreTrainedModel, sequence_length: int) -> int:
    """How many tokens the model takes: its positions, or what its tokenizer says where that is less. Where neither says
    anything, the sequence length of the run."""
    config: Any = model.config.get_text_config()
    positions = getattr(config, "max_position_embeddings", None) or getattr(config, "n_positions", None)
    if hasattr(config, "relative_attention_num_buckets"):
        positions = None  # as T5, which takes texts of any length
    if positions is not None:
        # RoBERTa and its kin count positions from the one of padding on.
        tables = (getattr(module, "position_embeddings", None) for module in model.modules())
        padding = (getattr(table, "padding_idx", None) for table in tables)
        positions -= max((number + 1 for number in padding if number is not None), default=0)
    said = (positions, tokenizer.model_max_length)
    return int(min((number for number in said if number and 0 < number < UNLIMITED), default=sequence_length))


def set_special_tokens(tokenizer: PreTrainedTokenizerFast, special: SpecialTokens) -> None:
    """Let `tokenizer` put these tokens around a text, and between two; what else its post-processor does stays."""
    from tokenizers import processors

    every = dict.fromkeys((*special.start, *special.end))
    tokens = {number: tokenizer.convert_ids_to_tokens(number) for number in every}
    # A colon and a dollar sign have a meaning in a template.
    names = {n: f"special_{n}" if ":" in token or token.startswith("$") else token for n, token in tokens.items()}
    start, end = ([names[number] for number in ids] for ids in (special.start, special.end))
    template = processors.TemplateProcessing(
        single=[*start, "$A", *end],
        pair=[*start, "$A", *end, "$B:1", *(f"{name}:1" for name in end)],
        special_tokens=[{"id": names[n], "ids": [n], "tokens": [token]} for n, token in tokens.items()],
    )
    backend = tokenizer.backend_tokenizer
    kept = [processors.ByteLevel(**flags) for flags in _byte_level(json.loads(backend.to_str())["post_processor"])]
    backend.post_processor = processors.Sequence([*kept, template]) if kept else template


def _byte_level(described: Any) -> Iterator[dict[str, bool]]:
    """The settings of the byte-level part of a post-processor, which sets offsets alone."""
    if described and described["type"] == "Sequence":
        for part in described["processors"]:
            yield from _byte_level(part)
    elif described and described["type"] == "ByteLevel":
        yield {name: value for name, value in described.items() if name != "type"}


def _let_mask_take_the_space(tokenizer: PreTrainedTokenizerFast) -> None:
    """Where the space before a word is part of its token, so that in training a mask stood for both, the mask takes the
    space before it in a text, as RoBERTa's does."""
    from tokenizers import AddedToken

    vocabulary = tokenizer.get_vocab()
    if any(len(token) > 1 and token[0] in SPACES for token in vocabulary):
        own = tokenizer.added_tokens_decoder[tokenizer.mask_token_id]
        mask = AddedToken(tokenizer.mask_token, lstrip=True, normalized=own.normalized, special=True)
        tokenizer.add_special_tokens({"mask_token": mask})
