"""The ids that formats give their records, kept beside what was read of a source."""

from __future__ import annotations

from array import array
from collections.abc import Iterator

import xxhash

from pluglm.document import Document

NONE = 0
"""In the place of a document whose record has no id."""


class RecordIds:
    """Hashes of the ids of the documents of one shard, in their order: 8 bytes each. False where none has an id."""

    def __init__(self) -> None:
        self._hashes = array("Q")
        self._any = False

    def noted(self, documents: Iterator[Document]) -> Iterator[Document]:
        """The documents, their ids noted."""
        add, hashed = self._hashes.append, xxhash.xxh3_64_intdigest
        for document in documents:
            if document.record:
                self._any = True
                add(hashed(document.record.encode("utf-8", "surrogatepass")) or 1)
            else:
                add(NONE)
            yield document

    def __bool__(self) -> bool:
        return self._any

    def content(self) -> bytes:
        """The hashes, as a file has them."""
        return self._hashes.tobytes()
