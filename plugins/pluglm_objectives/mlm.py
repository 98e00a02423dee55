"""Masked language modelling."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from typing import TYPE_CHECKING, Annotated, Any, ClassVar, Literal

from pydantic import Field, model_validator

from pluglm import Batch, Document, Example, Losses, Objective, Predictions
from pluglm_objectives.token_losses import (
    IGNORED,
    attention_mask,
    cross_entropy_by_example,
    end_of_text,
    model_outputs,
    padded,
    predictions_of,
    start_of_text,
    text_ids,
)

if TYPE_CHECKING:
    import numpy as np
    from transformers import PreTrainedModel, PreTrainedTokenizerFast


def word_starts(ids: Any, tokenizer: PreTrainedTokenizerFast) -> Any:
    """(length,) bools: where a token begins a word. Word-pieces say so themselves; in other vocabularies a word begins
    at a space, at punctuation, and after a special token."""
    import numpy as np

    tokens = tokenizer.convert_ids_to_tokens([int(token) for token in ids])
    if type(tokenizer.backend_tokenizer.model).__name__ == "WordPiece":
        return np.array([not token.startswith("##") for token in tokens], dtype=bool)
    special = set(tokenizer.all_special_tokens)
    inside = [token not in special and _is_wordy(token[-1:]) for token in tokens]
    starts = [
        not before or not _is_wordy(token[:1]) or token in special or token[:1] in SPACES
        for before, token in zip([False, *inside], tokens, strict=False)
    ]
    return np.array(starts, dtype=bool)


SPACES = "\u0120\u010a\u0109\u010d\u2581"
"""How vocabularies write a space, line feed, tab, carriage return (byte-level), and a space (SentencePiece)."""


def _is_wordy(character: str) -> bool:
    # In a byte-level vocabulary every character beyond ASCII stands for a byte of a letter, but for the spaces above.
    return character.isalnum() or (character > "\x7f" and character not in SPACES[1:4])


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
        one = generator.choice(np.flatnonzero(candidates))
        chosen = candidates & (groups == groups[one])
    return chosen


def random_tokens(count: int, tokenizer: PreTrainedTokenizerFast, generator: np.random.Generator) -> Any:
    """(count,) ids, each token but the special ones equally likely."""
    special = sorted(set(tokenizer.all_special_ids))
    drawn = generator.integers(len(tokenizer) - len(special), size=count)
    for token in special:
        drawn += drawn >= token
    return drawn


class Mlm(Objective):
    """Predict tokens that were hidden, from both sides.

    A share of the tokens is chosen; of these 80 % become the mask token, 10 % a random token, and 10 % stay. The loss
    is averaged over the chosen tokens. Masks are drawn anew in every epoch.

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

    @model_validator(mode="after")
    def _shares_fit(self) -> Mlm:
        if self.mask_share + self.random_share > 1 + 1e-9:
            raise ValueError("mask_share and random_share add up to more than 1")
        return self

    def examples(
        self, document: Document, tokenizer: PreTrainedTokenizerFast, sequence_length: int, fitted: Mapping[str, Any]
    ) -> Iterable[Example]:
        """The class token, the document's tokens and the end-of-text token; nothing for an empty document."""
        if document.text:
            ids = text_ids(document.text, tokenizer)
            yield {"input_ids": [*start_of_text(tokenizer), *ids, *end_of_text(tokenizer)]}

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
        whole_words = self.masking == "whole_word"
        groups = np.cumsum(word_starts(ids, tokenizer)) - 1 if whole_words else np.arange(len(ids))
        span = self.span_length if self.masking == "span" else None
        chosen = chosen_positions(~special, groups, self.probability, generator, span)
        kind = generator.random(len(ids))
        drawn = random_tokens(len(ids), tokenizer, generator)
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
