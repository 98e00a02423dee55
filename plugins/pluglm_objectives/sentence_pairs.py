"""Two segments of text that follow each other in one document, or come from two."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Mapping, Sequence
from itertools import chain, islice
from typing import TYPE_CHECKING, Annotated, Any, ClassVar

import xxhash
from pydantic import Field

from pluglm import DataError, Document, Example, Objective, SpecialTokens, own_special_tokens
from pluglm_objectives.sentences import sentences
from pluglm_objectives.token_losses import text_ids

if TYPE_CHECKING:
    import numpy as np
    from transformers import PreTrainedTokenizerFast

IS_NEXT, IS_RANDOM = 0, 1
"""The labels, as `transformers` has them."""


def pieces_of(document: str, tokenizer: PreTrainedTokenizerFast, most: int) -> list[list[int]]:
    """The ids of each sentence, in parts of at most `most` tokens."""
    found = []
    for sentence in sentences(document):
        ids = text_ids(sentence, tokenizer)
        found += [ids[start : start + most] for start in range(0, len(ids), most)]
    return found


def segment_pairs(
    pieces: Sequence[list[int]], most: int, short_share: float, generator: np.random.Generator
) -> Iterator[tuple[list[int], list[int]]]:
    """Neighbouring segments of whole pieces, of at most `most` tokens each, that together are all pieces. A share of
    the segments is shorter, to a length drawn evenly. What is left at the end is parted in the middle."""
    start = 0

    def segment() -> list[list[int]]:
        nonlocal start
        limit = int(generator.integers(2, most + 1)) if generator.random() < short_share else most
        taken: list[list[int]] = []
        while start < len(pieces) and (not taken or sum(map(len, taken)) + len(pieces[start]) <= limit):
            taken.append(pieces[start])
            start += 1
        return taken

    while start < len(pieces):
        first, second = segment(), segment()
        if not second and len(first) > 1:
            first, second = first[: len(first) // 2], first[len(first) // 2 :]
        elif not second:
            middle = len(first[0]) // 2
            first, second = [first[0][:middle]], [first[0][middle:]]
        if first[0]:
            yield list(chain.from_iterable(first)), list(chain.from_iterable(second))


def document_number(document: Document) -> int:
    """A number of 64 bits that tells documents apart, but not the changed copies of one (`mail-17~random_swap0`)."""
    original = re.sub(r"(~\w+)+$", "", document.id)
    return xxhash.xxh3_64_intdigest(f"{document.source}/{original}".encode()) - 2**63


class SentencePairObjective(Objective):
    """An objective over pairs of segments, of which some do not belong together.

    Both segments have the same limit, half of the sequence, and the second one of a pair that does not belong together
    is the second one of another pair. So neither the length of a segment, nor how it begins or ends, tells the two
    kinds apart, as the lengths of `create_pretraining_data.py` in BERT's release do.
    """

    partners: ClassVar[int] = 8

    negative_share: Annotated[
        float, Field(ge=0, le=1, description="Share of pairs whose second segment is of another document")
    ] = 0.5
    short_share: Annotated[
        float, Field(ge=0, le=1, description="Share of segments of random length, as texts met later may be short")
    ] = 0.1

    def fit(self, documents: Iterable[Document]) -> dict[str, Any]:
        """Nothing, but there must be another document to take segments from.

        Raises:
            DataError: where there is one document.
        """
        if sum(1 for _ in islice(documents, 2)) < 2:
            raise DataError(f"objective={self.name} takes segments of other documents, and there is one document")
        return {}

    def special_tokens(self, tokenizer: PreTrainedTokenizerFast) -> SpecialTokens:
        """What the tokenizer itself puts around a text, else the class token and the separator."""
        return own_special_tokens(tokenizer) or SpecialTokens((tokenizer.cls_token_id,), (tokenizer.sep_token_id,))

    def examples(
        self, document: Document, tokenizer: PreTrainedTokenizerFast, sequence_length: int, fitted: Mapping[str, Any]
    ) -> Iterable[Example]:
        """`input_ids` of two neighbouring segments without special tokens, `boundary` where the second begins, and
        `document`, a number that tells documents apart."""
        import numpy as np

        number = document_number(document)
        most = max(1, (sequence_length - 3) // 2)
        pieces = pieces_of(document.text, tokenizer, most)
        for first, second in segment_pairs(pieces, most, self.short_share, np.random.default_rng(number + 2**63)):
            yield {"input_ids": [*first, *second], "boundary": len(first), "document": number}

    def paired(
        self, example: Example, tokenizer: PreTrainedTokenizerFast, generator: np.random.Generator
    ) -> tuple[list[int], list[int], int]:
        """[CLS] first [SEP] second [SEP], which of the two segments each token is of, and the label. A pair all of
        whose partners are of its own document stays together."""
        ids, boundary = list(example["input_ids"]), int(example["boundary"])
        first, second, label = ids[:boundary], ids[boundary:], IS_NEXT
        if generator.random() < self.negative_share:
            others = (other for other in example["partners"] if other["document"] != example["document"])
            other = next(others, None)
            if other is not None:
                second, label = list(other["input_ids"][int(other["boundary"]) :]), IS_RANDOM
        special = self.special_tokens(tokenizer)
        before = special.around(first)
        behind = [*second, *special.end]
        return [*before, *behind], [0] * len(before) + [1] * len(behind), label
