"""Which documents are held out."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from typing import Any

from pluglm.corpus.layers import CHANGED, Layer
from pluglm.corpus.ledger import Account
from pluglm.corpus.steps import split_hash
from pluglm.document import Document, Dropped
from pluglm.families import CorpusPreprocessor, Keys

LEFT_OUT = "left_out_by_train_fraction"
"""The reason under which documents are counted that neither train nor validate."""


class Split(CorpusPreprocessor):
    """Keeps the documents of one part: `train` or `validation`.

    A document belongs to validation where its hash, as a number from 0 to 1, is below `fraction`. Of the others, those
    with the greatest numbers train, a share of `train_fraction`, and the rest is left out. The least number always
    validates and the greatest always trains, so that neither part is empty.
    """

    part: str
    fraction: float
    train_fraction: float
    seed: int

    def key(self, document: Document) -> bytes:
        """The document's hash."""
        return split_hash(document, self.seed).to_bytes(8, "big")

    def decide(self, keys: Keys) -> Iterator[str]:
        """The part of each document."""
        lowest, highest = min(keys, default=b""), max(keys, default=b"")
        first = 1 - self.train_fraction * (1 - self.fraction)
        for key in keys:
            place = int.from_bytes(key, "big") / 2**64
            if key == lowest or (place < self.fraction and key != highest):
                yield "validation"
            else:
                yield "train" if place >= first or key == highest else LEFT_OUT

    def apply(self, document: Document, decision: Any) -> Document | Dropped:
        """The document, or nothing where it belongs to the other part."""
        return document if decision == self.part else Dropped("other_part")


@dataclass(frozen=True, slots=True)
class CutInTwo:
    """Keeps one part of the only document there is."""

    path: str
    part: str
    fraction: float

    def work(self, documents: Sequence[Document], account: Account) -> Layer:
        """The beginning of its text to train on, or its end to validate on."""
        layer = Layer()
        for place, document in enumerate(documents):
            cut = max(1, int(len(document.text) * (1 - max(self.fraction, 0.02))))
            if self.part == "train":
                part = replace(document, text=document.text[:cut])
            else:
                part = replace(document, text=document.text[cut:], id=document.id + "~end")
            layer.rows.append((place, CHANGED, part))
        return layer
