"""T5's pre-training: writing the spans that were cut out of a text."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from typing import TYPE_CHECKING, Annotated, Any, ClassVar

from pydantic import Field

from pluglm import Batch, Document, Example, Problem, SpecialTokens
from pluglm_objectives.token_losses import IGNORED, attention_mask, ended_special_tokens, padded, text_ids
from pluglm_objectives.written_text import WrittenTextObjective

if TYPE_CHECKING:
    import numpy as np
    from transformers import PreTrainedTokenizerFast

    from pluglm import RunConfig


def spans_of(length: int, density: float, mean_span: float) -> tuple[int, int]:
    """How many tokens are cut out of `length`, and in how many spans."""
    cut = min(max(round(length * density), 1), max(length - 1, 1))
    return cut, min(max(round(cut / mean_span), 1), max(length - cut, 1), cut)


def parted(total: int, parts: int, generator: np.random.Generator) -> Any:
    """(parts,) lengths of at least 1 that add up to `total`, every way of parting equally likely."""
    import numpy as np

    ends = np.sort(generator.choice(total - 1, size=parts - 1, replace=False)) + 1
    return np.diff(np.concatenate([[0], ends, [total]]))


def span_mask(length: int, density: float, mean_span: float, generator: np.random.Generator) -> Any:
    """(length,) bools: what is cut out. The number of tokens and of spans are the same for every draw; a text begins
    with what stays, and ends with what is cut out, as in T5's release. The only token of a text is cut out."""
    import numpy as np

    cut, spans = spans_of(length, density, mean_span)
    if length <= cut:
        return np.ones(length, dtype=bool)
    lengths = np.stack([parted(length - cut, spans, generator), parted(cut, spans, generator)], axis=1)
    return np.repeat(np.tile([False, True], spans), lengths.reshape(-1))


def corrupted(ids: Any, mask: Any, sentinels: Sequence[int]) -> tuple[list[int], list[int]]:
    """The ids with a sentinel for each span where `mask` is true, and the spans, each behind its sentinel."""
    source: list[int] = []
    target: list[int] = []
    before, left = False, iter(sentinels)
    for token, gone in zip(ids, mask, strict=True):
        if gone and not before:
            sentinel = next(left)
            source.append(sentinel)
            target.append(sentinel)
        (target if gone else source).append(int(token))
        before = bool(gone)
    return source, target


class SpanCorruption(WrittenTextObjective):
    """Write the spans that were cut out of a text: the encoder reads the text with a sentinel for each, and the decoder
    writes each sentinel and what it stands for.

    The tokenizer gets sentinels `<extra_id_0>`, `<extra_id_1>` ... at the end of its vocabulary, named as in T5. Which
    spans are cut out is drawn anew in every epoch. The loss is averaged over what is written.

    Source: Raffel et al. 2020, https://arxiv.org/abs/1910.10683, section 3.1.4
    """

    packs: ClassVar[bool] = True

    noise_density: Annotated[float, Field(gt=0, lt=1, description="Share of tokens that are cut out")] = 0.15
    mean_span: Annotated[float, Field(ge=1, description="Mean length of what is cut out together, in tokens")] = 3.0
    sentinels: Annotated[int, Field(ge=1, description="Sentinels in the vocabulary: spans at most")] = 100

    def special_tokens(self, tokenizer: PreTrainedTokenizerFast) -> SpecialTokens:
        """What the tokenizer itself puts around a text, and in any case the end-of-text token."""
        return ended_special_tokens(tokenizer)

    def extra_tokens(self) -> tuple[str, ...]:
        """The sentinels."""
        return tuple(f"<extra_id_{number}>" for number in range(self.sentinels))

    def problems(self, run: RunConfig) -> Iterator[Problem]:
        """Every span of a block needs a sentinel of its own."""
        yield from super().problems(run)
        _, spans = spans_of(run.data.sequence_length, self.noise_density, self.mean_span)
        if spans > self.sentinels:
            reason = f"are fewer than the {spans} spans of data.sequence_length={run.data.sequence_length} tokens"
            yield Problem("objective.sentinels", reason, self.sentinels, f"write {spans} or more")

    def examples(
        self, document: Document, tokenizer: PreTrainedTokenizerFast, sequence_length: int, fitted: Mapping[str, Any]
    ) -> Iterable[Example]:
        """The document's tokens and the end-of-text token; nothing for an empty document."""
        if document.text:
            yield {"input_ids": [*text_ids(document.text, tokenizer), *self.special_tokens(tokenizer).end]}

    def collate(
        self, examples: Sequence[Example], tokenizer: PreTrainedTokenizerFast, generators: Sequence[np.random.Generator]
    ) -> Batch:
        """`input_ids` (batch, longest source) and `labels` (batch, longest target), both with the special tokens
        around them."""
        sentinels = tokenizer.convert_tokens_to_ids(list(self.extra_tokens()))
        special, rows, targets = self.special_tokens(tokenizer), [], []
        for example, generator in zip(examples, generators, strict=True):
            ids = example["input_ids"]
            mask = span_mask(len(ids), self.noise_density, self.mean_span, generator)
            source, target = corrupted(ids, mask, sentinels)
            rows.append(special.around(source))
            targets.append(special.around(target))
        labels = padded(targets, IGNORED)
        return {"input_ids": padded(rows, tokenizer.pad_token_id), "labels": labels, **attention_mask(rows)}
