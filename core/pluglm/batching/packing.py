"""Pieces of documents to examples of at most a given length, with an account of every token."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Any

import numpy as np

from pluglm.batching.table import TableWriter


@dataclass(slots=True)
class TokenAccount:
    """What became of a split's tokens: tokens_in + repeated = tokens_used + dropped + padding.

    `repeated`: those of documents that a pass has more than once. There is no padding in the examples: blocks are full,
    and others are padded when they are put together in a batch.
    """

    examples: int = 0
    tokens_in: int = 0
    repeated: int = 0
    tokens_used: int = 0
    padding: int = 0
    dropped: Counter[str] = field(default_factory=Counter)
    sources: dict[str, dict[str, int]] = field(default_factory=dict)

    def count(self, source: str, tokens: int, times: int = 1) -> None:
        """Count a document and its tokens, which a pass has so many `times`."""
        self.tokens_in += tokens
        known = self.sources.setdefault(source, {"documents": 0, "tokens": 0, "tokens_in_pass": 0})
        known["documents"] += 1
        known["tokens"] += tokens
        known["tokens_in_pass"] += times * tokens

    def merge(self, other: TokenAccount) -> None:
        """Add what was counted of further documents."""
        for name in ("examples", "tokens_in", "repeated", "tokens_used", "padding"):
            setattr(self, name, getattr(self, name) + getattr(other, name))
        self.dropped.update(other.dropped)
        for source, counts in other.sources.items():
            known = self.sources.setdefault(source, dict.fromkeys(counts, 0))
            for name, count in counts.items():
                known[name] += count

    def as_dict(self) -> dict[str, Any]:
        """Plain data for ledger.json."""
        return {
            "examples": self.examples,
            "tokens_in": self.tokens_in,
            "repeated": self.repeated,
            "tokens_used": self.tokens_used,
            "padding": self.padding,
            "dropped": dict(self.dropped),
            "sources": self.sources,
        }

    @classmethod
    def from_dict(cls, data: dict[str, Any]) -> TokenAccount:
        """What `as_dict` gave."""
        return cls(**{**data, "dropped": Counter(data["dropped"])})


def cut(pieces: Iterator[dict[str, Any]], length: int, account: TokenAccount) -> Iterator[dict[str, Any]]:
    """Each piece by itself, in parts of at most `length` tokens. A last part of one token, from which nothing can be
    learned, is dropped and counted."""
    for piece in pieces:
        ids = piece["input_ids"]
        for start in range(0, len(ids), length):
            part = ids[start : start + length]
            if len(part) < 2 and start:
                account.dropped["single_token"] += len(part)
                continue
            account.tokens_used += len(part)
            yield {**piece, "input_ids": part}


class BlockPacker:
    """Writes pieces, one behind the other, as blocks of exactly `length` tokens. A block's weight is the mean of its
    tokens' weights; the tail that fills no block is dropped, and counted."""

    def __init__(
        self, writer: TableWriter, length: int, dtype: str, account: TokenAccount, weight: float | None
    ) -> None:
        self._writer = writer
        self._length = length
        self._account = account
        self._weighted = weight is None
        self._rest, self._rest_weights = np.zeros(0, dtype), np.zeros(0)
        self._blocks = 0
        writer.declare("input_ids", "block", dtype, length=length)
        if weight is None:
            writer.declare("weight", "number", "<f8")
        else:
            writer.constant("weight", weight)

    def add(self, ids: Any, lengths: Any, weights: Any) -> None:
        """Pieces: (tokens,) their ids, (pieces,) their lengths and (pieces,) their weights."""
        ids = np.concatenate([self._rest, ids.astype(self._rest.dtype)])
        blocks = len(ids) // self._length
        whole = blocks * self._length
        self._writer.extend("input_ids", ids[:whole])
        self._rest = ids[whole:]
        if self._weighted:
            each = np.concatenate([self._rest_weights, np.repeat(weights, lengths)])
            self._writer.extend("weight", each[:whole].reshape(-1, self._length).mean(axis=1))
            self._rest_weights = each[whole:]
        self._blocks += blocks

    def close(self) -> None:
        """Count what was used and what was not."""
        self._account.examples += self._blocks
        self._account.tokens_used += self._blocks * self._length
        if len(self._rest):
            self._account.dropped["tail"] += len(self._rest)
        self._writer.close(self._blocks)
