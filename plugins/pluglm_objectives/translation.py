"""Writing one text for another."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from typing import TYPE_CHECKING, Annotated, Any

from pydantic import Field

from pluglm import Batch, Document, Example, SpecialTokens
from pluglm_objectives.token_losses import IGNORED, attention_mask, ended_special_tokens, padded, text_ids
from pluglm_objectives.written_text import WrittenTextObjective

if TYPE_CHECKING:
    import numpy as np
    from transformers import PreTrainedTokenizerFast


class Translation(WrittenTextObjective):
    """Write the target for the source: the loss is -log p(target token t | source, target tokens < t), averaged over
    the target's tokens.

    For translation, and for anything else that writes one text for another, such as back-translation's two models.

    Sources: Sutskever et al. 2014, https://arxiv.org/abs/1409.3215; Vaswani et al. 2017,
    https://arxiv.org/abs/1706.03762
    """

    source_field: Annotated[str, Field(min_length=1, description="What is read: text, or a document field")] = "text"
    target_field: Annotated[str, Field(min_length=1, description="What is written: text, or a document field")] = (
        "target"
    )

    cut: Annotated[bool, Field(description="Cut what is longer than data.sequence_length; otherwise quarantine it")] = (
        True
    )

    def required_fields(self) -> tuple[str, ...]:
        """Source and target."""
        return (self.source_field, self.target_field)

    def texts(self, document: Document) -> Iterable[str]:
        """Both sides, which share one vocabulary."""
        return tuple(str(document.get(name)) for name in self.required_fields() if document.get(name) is not None)

    def special_tokens(self, tokenizer: PreTrainedTokenizerFast) -> SpecialTokens:
        """What the tokenizer itself puts there, and in any case the token that ends a text, by which the model knows
        when to stop."""
        return ended_special_tokens(tokenizer)

    def examples(
        self, document: Document, tokenizer: PreTrainedTokenizerFast, sequence_length: int, fitted: Mapping[str, Any]
    ) -> Iterable[Example]:
        """`input_ids` of the source and `labels` of the target, each with the special tokens. A target that is
        cut has no end, so that the model does not learn to stop there."""
        sides = [str(document.get(name)) for name in self.required_fields()]
        for name, side in zip(self.required_fields(), sides, strict=True):
            if not side.strip():
                raise ValueError(f"the {name} is empty")
        special = self.special_tokens(tokenizer)
        source, target = (special.around(text_ids(side, tokenizer)) for side in sides)
        longest = max(len(source), len(target))
        if longest > sequence_length and not self.cut:
            raise ValueError(f"{longest} tokens, more than data.sequence_length={sequence_length}")
        if len(source) > sequence_length:
            source = [*source[: sequence_length - len(special.end)], *special.end]
        yield {"input_ids": source, "labels": target[:sequence_length]}

    def collate(
        self, examples: Sequence[Example], tokenizer: PreTrainedTokenizerFast, generators: Sequence[np.random.Generator]
    ) -> Batch:
        """`input_ids` (batch, longest source) and `labels` (batch, longest target); padding has no label."""
        rows = [example["input_ids"] for example in examples]
        targets = padded([example["labels"] for example in examples], IGNORED)
        return {"input_ids": padded(rows, tokenizer.pad_token_id), "labels": targets, **attention_mask(rows)}
