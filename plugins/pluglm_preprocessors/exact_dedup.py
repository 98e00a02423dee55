"""Exact deduplication."""

from __future__ import annotations

import re
from collections.abc import Iterator
from functools import cache
from itertools import islice
from typing import TYPE_CHECKING, Annotated, Any, Literal

import xxhash
from pydantic import Field

from pluglm import CorpusPreprocessor, Decision, Document, Dropped, Keys
from pluglm_preprocessors.words.characters import category_class, highest

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

DIGEST = 16
CHUNK = 65_536
SEPARATORS = {"paragraph": re.compile(r"(\n(?:[^\S\n]*\n)+)"), "line": re.compile("(\n)")}


@cache
def between_words(last: int) -> re.Pattern[str]:
    """A run of white space and punctuation, of characters up to `last`."""
    return re.compile(rf"[\s{category_class('P', last)}]+")


def repeats(keys: Keys) -> NDArray[np.bool_]:
    """(digests,) whether each 128-bit digest has come before; a key is any number of them, one after the other.

    Sorting them takes 40 bytes a digest, where a set of Python's would take 90.
    """
    import numpy as np

    digests = np.empty((sum(map(len, keys)) // DIGEST, 2), dtype=np.uint64)
    every, filled = iter(keys), 0
    while chunk := list(islice(every, CHUNK)):
        values = np.frombuffer(b"".join(chunk), dtype=np.uint64).reshape(-1, 2)
        digests[filled : filled + len(values)] = values
        filled += len(values)
    # A stable order, so that the first of equal digests is the one that came first.
    order = np.lexsort((digests[:, 1], digests[:, 0]))
    digests = digests[order]
    found = np.zeros(len(order), dtype=bool)
    found[order[1:]] = (digests[1:] == digests[:-1]).all(axis=1)
    return found


class ExactDedup(CorpusPreprocessor):
    """Keep the first of documents, paragraphs or lines that are the same to the letter, by a 128-bit hash (XXH3).

    By paragraph or line, those that stand anywhere before, in the same document too, are cut out, and a document that
    is left with nothing is dropped; white space at their ends does not count.

    Source: Lee et al. 2022, "Deduplicating training data makes language models better",
    https://arxiv.org/abs/2107.06499.
    """

    scope: Annotated[
        Literal["document", "paragraph", "line"],
        Field(description="What is compared: whole documents, paragraphs (between blank lines), or lines"),
    ] = "document"
    normalized: Annotated[
        bool, Field(description="Compare without case, and any white space and punctuation as one space")
    ] = False
    min_characters: Annotated[
        int, Field(ge=1, description="Shorter paragraphs and lines always stay, such as a bracket or a date")
    ] = 20

    def key(self, document: Document) -> bytes:
        """The hash of each thing that is compared."""
        if self.scope == "document":
            state = xxhash.xxh3_128()
            for name in self.fields:
                state.update(self.compared(str(document.get(name) or "")) + b"\0")
            return state.digest()
        return b"".join(
            xxhash.xxh3_128_digest(self.compared(piece.strip()))
            for name in self.fields
            for piece in self.pieces(document.get(name))[::2]
            if self.counts(piece)
        )

    def compared(self, text: str) -> bytes:
        """What of a text is compared."""
        if self.normalized:
            text = between_words(highest(text)).sub(" ", text).strip().casefold()
        return text.encode("utf-8", "surrogatepass")

    def pieces(self, text: Any) -> list[str]:
        """Paragraphs or lines, what stands between them in between; none of what is no text."""
        return SEPARATORS[self.scope].split(text) if isinstance(text, str) else []

    def counts(self, piece: str) -> bool:
        """Whether a piece is long enough to be compared."""
        return len(piece) >= self.min_characters and len(piece.strip()) >= self.min_characters

    def decide(self, keys: Keys) -> Iterator[Decision]:
        """Drops all but the first of each document; or the numbers of the pieces that have come before."""
        found = repeats(keys)
        if self.scope == "document":
            yield from ("exact_duplicate" if repeated else None for repeated in found.tolist())
            return
        start = 0
        for key in keys:
            own = found[start : start + len(key) // DIGEST]
            start += len(own)
            yield tuple(own.nonzero()[0].tolist()) if own.any() else None

    def apply(self, document: Document, decision: Decision) -> Document | Dropped:
        """The document without the pieces of those numbers, or `only_repeats` where nothing else is in it."""
        if not isinstance(decision, tuple):
            return super().apply(document, decision)
        cut, number = frozenset(decision), -1

        def without(text: str) -> str:
            nonlocal number
            parts = self.pieces(text)
            kept: list[str] = []
            for piece, separator in zip(parts[::2], [*parts[1::2], ""], strict=True):
                compared = self.counts(piece)
                number += compared
                if not (compared and number in cut):
                    kept += [piece, separator]
            # What stood between the last piece and one that is gone.
            return "".join(kept[:-1]) if kept else ""

        changed = document.map_text(self.fields, without)
        left = any(str(changed.get(name) or "").strip() for name in self.fields)
        return changed if left else Dropped("only_repeats")
