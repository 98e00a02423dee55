"""Keys of documents, by which a preprocessor decides over the whole corpus."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any


class KeyList(list[Any]):
    """Keys in memory, in the form of those on disk (`pluglm.Keys`)."""

    def part(self, number: int) -> Iterator[Any]:
        """That entry of every key."""
        return (key[number] for key in self)
