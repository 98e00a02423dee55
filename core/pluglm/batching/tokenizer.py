"""The tokenizer of a run, from the folder it was saved in."""

from __future__ import annotations

import json
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from transformers import PreTrainedTokenizerFast

GENERAL = ("TokenizersBackend", "PreTrainedTokenizerFast")
"""What `transformers` calls a tokenizer that is all in its tokenizer.json."""


def saved_tokenizer(folder: Path) -> PreTrainedTokenizerFast:
    """The tokenizer in `folder`, which saves the same bytes wherever it was loaded."""
    tokenizer: PreTrainedTokenizerFast
    if is_general(folder):
        from transformers import PreTrainedTokenizerFast

        tokenizer = PreTrainedTokenizerFast.from_pretrained(folder)
    else:
        from transformers import AutoTokenizer

        tokenizer = AutoTokenizer.from_pretrained(folder)
    # How it was found is kept in it and would be saved with it; it depends on the environment (HF_HUB_OFFLINE).
    for circumstance in ("is_local", "local_files_only"):
        tokenizer.init_kwargs.pop(circumstance, None)
    return tokenizer


def add_extra_tokens(tokenizer: PreTrainedTokenizerFast, tokens: Sequence[str]) -> None:
    """Add the special tokens that an objective needs and the tokenizer lacks, behind all that it has."""
    known = tokenizer.get_vocab()
    lacking = [token for token in tokens if token not in known]
    if lacking:
        kept = [token for token in tokenizer.extra_special_tokens if token not in lacking]
        tokenizer.add_special_tokens({"extra_special_tokens": [*kept, *lacking]})


def is_general(folder: Path) -> bool:
    """Whether the tokenizer is of no model's own class. Then it need not be looked for among those of all models, for
    which every process would import them, and torch."""
    try:
        described = json.loads((folder / "tokenizer_config.json").read_text(encoding="utf-8"))
    except (OSError, ValueError):
        return False
    return described.get("tokenizer_class") in GENERAL and not (folder / "config.json").exists()
