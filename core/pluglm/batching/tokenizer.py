"""The tokenizer of a run, from the folder it was saved in."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from transformers import PreTrainedTokenizerFast


def saved_tokenizer(folder: Path) -> PreTrainedTokenizerFast:
    """The tokenizer in `folder`, which saves the same bytes wherever it was loaded."""
    from transformers import AutoTokenizer

    tokenizer: PreTrainedTokenizerFast = AutoTokenizer.from_pretrained(folder)
    # How it was found is kept in it and would be saved with it; it depends on the environment (HF_HUB_OFFLINE).
    for circumstance in ("is_local", "local_files_only"):
        tokenizer.init_kwargs.pop(circumstance, None)
    return tokenizer
