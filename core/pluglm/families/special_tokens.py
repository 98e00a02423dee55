"""The special tokens that stand around a text."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from transformers import PreTrainedTokenizerFast

KNOWN = "_pluglm_special_tokens"


@dataclass(frozen=True, slots=True)
class SpecialTokens:
    """The ids before a text (`start`) and behind it (`end`)."""

    start: tuple[int, ...] = ()
    end: tuple[int, ...] = ()

    def __bool__(self) -> bool:
        return bool(self.start or self.end)

    def around(self, ids: Sequence[int]) -> list[int]:
        """The ids of a text with the special tokens."""
        return [*self.start, *ids, *self.end]


def own_special_tokens(tokenizer: PreTrainedTokenizerFast) -> SpecialTokens:
    """What the tokenizer itself puts around a text, by its post-processor: nothing for GPT-2, `<s>` before it for
    Llama, `[CLS]` and `[SEP]` for BERT."""
    known: SpecialTokens | None = getattr(tokenizer, KNOWN, None)
    if known is None:
        encoded = tokenizer("a", return_special_tokens_mask=True, split_special_tokens=True, verbose=False)
        ids, added = encoded["input_ids"], encoded["special_tokens_mask"]
        first = added.index(0) if 0 in added else len(added)
        last = len(added) - added[::-1].index(0) if 0 in added else len(added)
        known = SpecialTokens(tuple(ids[:first]), tuple(ids[last:]))
        setattr(tokenizer, KNOWN, known)
    return known
