"""What is known of how large a model should be for its compute, and what repeated text is worth."""

from __future__ import annotations

import math
from typing import Any

TOKENS_PER_PARAMETER = 20
"""Hoffmann et al. 2022, https://arxiv.org/abs/2203.15556, table 3."""
HALF_LIFE = 15.39
"""R*_D of Muennighoff et al. 2023, https://arxiv.org/abs/2305.16264, section 3.1: how many repetitions of the text are
worth having before their value has fallen to 1/e of new text's."""


def optimal(operations: float) -> tuple[float, float]:
    """(parameters, tokens) of the model that is best for so many operations, C = 6 N D with D = 20 N, as "Chinchilla"
    was trained (Hoffmann et al. 2022)."""
    parameters = math.sqrt(operations / (6 * TOKENS_PER_PARAMETER))
    return parameters, TOKENS_PER_PARAMETER * parameters


def effective_tokens(unique: float, epochs: float) -> float:
    """How many tokens of new text are worth as much as `epochs` passes over `unique` ones (Muennighoff et al. 2023,
    equation 5): U + U R* (1 - exp(-(epochs - 1) / R*))."""
    if epochs <= 1:
        return unique * epochs
    return unique + unique * HALF_LIFE * (1 - math.exp(-(epochs - 1) / HALF_LIFE))


def scaling_of(operations: float, parameters: int, tokens: int, unique: int | None) -> dict[str, Any]:
    """`optimal_parameters` and `optimal_tokens` for these operations, the run's `tokens_per_parameter`; and where the
    size of the text is known, `effective_tokens` and the share of the tokens that they are, `worth`."""
    best, needed = optimal(operations)
    found: dict[str, Any] = {
        "optimal_parameters": round(best),
        "optimal_tokens": round(needed),
        "tokens_per_parameter": round(tokens / max(1, parameters), 3),
    }
    if unique:
        worth = effective_tokens(unique, tokens / unique)
        found |= {"effective_tokens": round(worth), "worth": round(worth / tokens, 4)}
    return found
