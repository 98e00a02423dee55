"""The station of an augmenter: changed copies of documents, each with random numbers of its own."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from itertools import islice, repeat

from xxhash import xxh3_64_intdigest

from pluglm.corpus.layers import ADDED, Layer
from pluglm.corpus.ledger import Account
from pluglm.corpus.named_random import NamedRandom
from pluglm.corpus.steps import quarantine_error, unusable
from pluglm.document import Document
from pluglm.errors import PluglmError
from pluglm.families import Augmenter

TOGETHER = 2048
"""Copies of documents that an augmenter is asked for at once."""

Wanted = tuple[Document, int, str, bytes]
"""A document, its place, the id of a copy that is to be made of it, and the name of that copy's generator."""


@dataclass(frozen=True, slots=True)
class Augment:
    """An augmenter; `seed` is the run's."""

    path: str
    augmenter: Augmenter
    seed: int

    def work(self, documents: Sequence[Document], account: Account) -> Layer:
        """Each document, followed by its changed copies."""
        several = type(self.augmenter).augment_batch is not Augmenter.augment_batch
        make = self._together if several else self._singly
        places, originals, copies = list[int](), list[Document](), list[Document]()
        wanted = self._wanted(documents)
        # In parts: the names and generators of all short documents of a chunk would take more than the chunk.
        while some := list(islice(wanted, TOGETHER)):
            for (document, place, identifier, _), changed in zip(some, make(some, account), strict=True):
                if changed is None:
                    continue
                if problem := unusable(changed):
                    account.added += 1
                    account.quarantine(f"{document.source}:{identifier}", problem)
                    continue
                if changed is document or changed.id != document.id:
                    # It may be in other hands.
                    changed = replace(changed)
                changed.id = identifier
                places.append(place)
                originals.append(document)
                copies.append(changed)
        account.pass_all(documents)
        account.add_all(originals, copies)
        return Layer(list(zip(places, repeat(ADDED), copies)))

    def _singly(self, wanted: Sequence[Wanted], account: Account) -> list[Document | None]:
        """All copies, one made after the other."""
        # One generator that goes from name to name: a new one takes longer than most augmenters.
        random, augment = NamedRandom(0), self.augmenter.augment
        made = list[Document | None]()
        for document, _, _, name in wanted:
            random.name, random.drawn, random.gauss_next = name, 0, None
            try:
                made.append(augment(document, random))
            except PluglmError:
                raise
            except Exception as error:
                account.added += 1
                quarantine_error(account, document, error)
                made.append(None)
        return made

    def _together(self, wanted: Sequence[Wanted], account: Account) -> list[Document | None]:
        """The same, of an augmenter that works on many documents at once."""
        documents, randoms = [each[0] for each in wanted], [NamedRandom(each[3]) for each in wanted]
        try:
            return self.augmenter.augment_batch(documents, randoms)
        except PluglmError:
            raise
        except Exception:
            # One of them failed: by themselves, the others can be had.
            return self._singly(wanted, account)

    def _wanted(self, documents: Sequence[Document]) -> Iterator[Wanted]:
        """Each copy that is to be made."""
        begin, copies, chance = f"{self.seed}/{self.path}/", range(self.augmenter.copies), self.augmenter.probability
        label = f"~{self.augmenter.name}"
        for place, document in enumerate(documents):
            for copy in copies:
                name = f"{begin}{document.source}/{document.id}/{copy}".encode("utf-8", "surrogatepass")
                # The generator's first number has the seed 1.
                if chance == 1 or xxh3_64_intdigest(name, 0) < chance * 2**64:
                    yield document, place, f"{document.id}{label}{copy}", name
