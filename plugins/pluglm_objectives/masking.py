"""Hiding tokens, for a model to find them again."""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated, Any, Literal

from pydantic import Field, model_validator

from pluglm_objectives.token_losses import IGNORED
from pluglm_objectives.token_objective import TokenObjective

if TYPE_CHECKING:
    import numpy as np
    from transformers import PreTrainedTokenizerFast


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


class MaskingObjective(TokenObjective):
    """An objective that hides some tokens: of those chosen, most become the mask token, some a random one, and the rest
    stay, as in Devlin et al. 2019."""

    probability: Annotated[float, Field(gt=0, lt=1, description="Share of tokens that are predicted")] = 0.15
    mask_share: Annotated[float, Field(ge=0, le=1, description="Share of these that become the mask token")] = 0.8
    random_share: Annotated[float, Field(ge=0, le=1, description="Share of these that become a random token")] = 0.1
    masking: Annotated[
        Literal["token", "whole_word", "span"],
        Field(description="What is hidden together: single tokens, words, spans"),
    ] = "token"
    span_length: Annotated[int, Field(ge=1, description="Mean length of spans, in tokens")] = 3

    @model_validator(mode="after")
    def _shares_fit(self) -> MaskingObjective:
        if self.mask_share + self.random_share > 1 + 1e-9:
            raise ValueError("mask_share and random_share add up to more than 1")
        return self

    def hide(self, ids: Any, tokenizer: PreTrainedTokenizerFast, generator: np.random.Generator) -> tuple[Any, Any]:
        """(length,) the ids with some hidden, and (length,) what they were, -100 elsewhere. Special tokens stay."""
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
