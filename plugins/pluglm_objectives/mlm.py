"""Masked language modelling."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from typing import TYPE_CHECKING, Annotated, Any, ClassVar, Literal

from pydantic import Field

from pluglm import SPECIAL_TOKENS, Batch, Document, Example, Losses, Objective, Predictions, Problem
from pluglm_objectives.token_losses import (
    IGNORED,
    attention_mask,
    cross_entropy_by_example,
    model_outputs,
    padded,
    predictions_of,
)

if TYPE_CHECKING:
    import numpy as np
    from transformers import PreTrainedModel, PreTrainedTokenizerFast


def word_starts(ids: Any, tokenizer: PreTrainedTokenizerFast) -> Any:
    """(length,) bools: where a token begins a word, that is, where its text begins with something other than a letter
    or digit, or follows such a token."""
    import numpy as np

    texts = [tokenizer.decode([int(token)]) for token in ids]
    starts = [
        not before or not text or not (text[0].isalnum() and before[-1].isalnum())
        for before, text in zip(["", *texts], texts, strict=False)
    ]
    return np.array(starts, dtype=bool)


def chosen_positions(
    candidates: Any, groups: Any, probability: float, generator: np.random.Generator, span: int | None
) -> Any:
    """(length,) bools, at least one of them true where there is a candidate.

    `candidates`: (length,) bools. `groups`: (length,) ints; positions of one group are chosen together, each group with
    `probability`. With `span`, runs of geometric length with that mean are chosen until the share is reached.
    """
    import numpy as np

    length = len(candidates)
    if span is None:
        drawn = generator.random(int(groups.max(initial=-1)) + 1) < probability
        chosen = drawn[groups] & candidates
    else:
        chosen = np.zeros(length, dtype=bool)
        wanted = probability * candidates.sum()
        while chosen.sum() < wanted:
            start = generator.integers(length)
            chosen[start : start + min(generator.geometric(1 / span), 4 * span)] = True
            chosen &= candidates
    if not chosen.any() and candidates.any():
        chosen[generator.choice(np.flatnonzero(candidates))] = True
    return chosen


class Mlm(Objective):
    """Predict tokens that were hidden, from both sides.

    A share of the tokens is chosen; of these 80 % become the mask token, 10 % a random token, and 10 % stay. The loss is
    averaged over the chosen tokens. Masks are drawn anew in every epoch.

    Sources: Devlin et al. 2019, https://arxiv.org/abs/1810.04805; whole words as in BERT's later release; spans of
    geometric length as in Joshi et al. 2020, https://arxiv.org/abs/1907.10529.
    """

    head: ClassVar[str] = "AutoModelForMaskedLM"
    packs: ClassVar[bool] = True
    suggests: ClassVar[dict[str, str]] = {"model": "masked_lm"}

    probability: Annotated[float, Field(gt=0, lt=1, description="Share of tokens that are predicted")] = 0.15
    mask_share: Annotated[float, Field(ge=0, le=1, description="Share of these that become the mask token")] = 0.8
    random_share: Annotated[float, Field(ge=0, le=1, description="Share of these that become a random token")] = 0.1
    masking: Annotated[
        Literal["token", "whole_word", "span"],
        Field(description="What is hidden together: single tokens, words, spans"),
    ] = "token"
    span_length: Annotated[int, Field(ge=1, description="Mean length of spans, in tokens")] = 3

    def problems(self, run: Any) -> Iterator[Problem]:
        """The shares of mask and random tokens must leave room for each other."""
        yield from super().problems(run)
        if self.mask_share + self.random_share > 1:
            value = self.mask_share + self.random_share
            yield Problem("objective.random_share", "mask_share and random_share add up to more than 1", value)

    def examples(
        self, document: Document, tokenizer: PreTrainedTokenizerFast, sequence_length: int, fitted: Mapping[str, Any]
    ) -> Iterable[Example]:
        """The document's tokens and the separator token; nothing for an empty document."""
        if document.text:
            yield {"input_ids": [*tokenizer.encode(document.text, add_special_tokens=False), tokenizer.sep_token_id]}

    def collate(
        self, examples: Sequence[Example], tokenizer: PreTrainedTokenizerFast, generators: Sequence[np.random.Generator]
    ) -> Batch:
        """`input_ids` with tokens hidden, and `labels` at those alone, (batch, longest)."""
        rows = [self._hide(e["input_ids"], tokenizer, g) for e, g in zip(examples, generators, strict=True)]
        inputs, labels = [row[0] for row in rows], [row[1] for row in rows]
        return {
            "input_ids": padded(inputs, tokenizer.pad_token_id),
            "labels": padded(labels, IGNORED),
            **attention_mask(inputs),
        }

    def _hide(self, ids: Any, tokenizer: PreTrainedTokenizerFast, generator: np.random.Generator) -> tuple[Any, Any]:
        import numpy as np

        ids = np.asarray(ids)
        special = np.isin(ids, tokenizer.all_special_ids)
        if self.masking == "whole_word":
            groups = np.cumsum(word_starts(ids, tokenizer)) - 1
        else:
            groups = np.arange(len(ids))
        span = self.span_length if self.masking == "span" else None
        chosen = chosen_positions(~special, groups, self.probability, generator, span)
        kind = generator.random(len(ids))
        drawn = generator.integers(len(SPECIAL_TOKENS), len(tokenizer), len(ids))
        hidden = np.where(chosen & (kind < self.mask_share), tokenizer.mask_token_id, ids)
        randomised = chosen & (kind >= self.mask_share) & (kind < self.mask_share + self.random_share)
        return np.where(randomised, drawn, hidden), np.where(chosen, ids, IGNORED)

    def loss(self, model: PreTrainedModel, batch: Batch, **forward: Any) -> Losses:
        """Cross-entropy at the chosen positions."""
        outputs = model_outputs(model, batch, **forward)
        return cross_entropy_by_example(outputs.logits, batch["labels"], outputs)

    def predict(self, model: PreTrainedModel, batch: Batch) -> Predictions:
        """The likeliest token at every chosen position."""
        return predictions_of(model_outputs(model, batch).logits, batch["labels"])
