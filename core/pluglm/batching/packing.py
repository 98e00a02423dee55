"""Pieces of documents to examples of at most a given length, with an account of every token."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Any

import numpy as np


@dataclass(slots=True)
class TokenAccount:
    """What became of a split's tokens: tokens_in = tokens_used + dropped."""

    examples: int = 0
    tokens_in: int = 0
    tokens_used: int = 0
    dropped: Counter[str] = field(default_factory=Counter)

    def as_dict(self) -> dict[str, Any]:
        """Plain data for ledger.json."""
        return {
            "examples": self.examples,
            "tokens_in": self.tokens_in,
            "tokens_used": self.tokens_used,
            "dropped": dict(self.dropped),
        }


def cut(pieces: Iterator[dict[str, Any]], length: int, account: TokenAccount) -> Iterator[dict[str, Any]]:
    """Each piece by itself, in parts of at most `length` tokens. A last part of one token, from which nothing can be
    learned, is dropped and counted."""
    for piece in pieces:
        ids = piece["input_ids"]
        account.tokens_in += len(ids)
        for start in range(0, len(ids), length):
            part = ids[start : start + length]
            if len(part) < 2 and start:
                account.dropped["single_token"] += len(part)
                continue
            account.tokens_used += len(part)
            yield {**piece, "input_ids": part}


def packed(pieces: Iterator[dict[str, Any]], length: int, account: TokenAccount) -> Iterator[dict[str, Any]]:
    """Blocks of exactly `length` tokens. A block's weight is the mean of its tokens' weights; the tail that fills no
    block is dropped, and counted."""
    ids: list[int] = []
    weights: list[tuple[int, float]] = []
    for piece in pieces:
        account.tokens_in += len(piece["input_ids"])
        ids += piece["input_ids"]
        weights.append((len(piece["input_ids"]), piece["weight"]))
        while len(ids) >= length:
            account.tokens_used += length
            yield {"input_ids": np.asarray(ids[:length], dtype=np.uint32), "weight": _take(weights, length)}
            del ids[:length]
    if ids:
        account.dropped["tail"] += len(ids)


def _take(weights: list[tuple[int, float]], length: int) -> float:
    total, left = 0.0, length
    while left:
        count, weight = weights[0]
        used = min(count, left)
        total += used * weight
        left -= used
        if used == count:
            weights.pop(0)
        else:
            weights[0] = (count - used, weight)
    return total / length
