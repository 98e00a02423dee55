"""Exact deduplication."""

from __future__ import annotations

import re
from collections.abc import Iterator
from functools import cache
from typing import Annotated

import xxhash
from pydantic import Field

from pluglm import CorpusPreprocessor, Document, Keys
from pluglm_preprocessors.characters import category_class


@cache
def between_words() -> re.Pattern[str]:
    """A run of white space and punctuation."""
    return re.compile(rf"[\s{category_class('P')}]+")


class ExactDedup(CorpusPreprocessor):
    """Keep the first of documents that are the same to the letter, compared by a 128-bit hash (XXH3)."""

    normalized: Annotated[
        bool, Field(description="Compare without case, and any white space and punctuation as one space")
    ] = False

    def key(self, document: Document) -> bytes:
        """The hash of what is compared."""
        state = xxhash.xxh3_128()
        for name in self.fields:
            text = str(document.get(name) or "")
            if self.normalized:
                text = between_words().sub(" ", text).strip().casefold()
            state.update(text.encode("utf-8", "surrogatepass") + b"\0")
        return state.digest()

    def decide(self, keys: Keys) -> Iterator[str | None]:
        """Drops all but the first of each key."""
        seen: set[bytes] = set()
        for key in keys:
            yield "exact_duplicate" if key in seen else None
            seen.add(key)
