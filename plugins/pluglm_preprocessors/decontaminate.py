"""Training documents that hold the evaluation's own text."""

from __future__ import annotations

import json
from collections.abc import Iterator
from functools import lru_cache
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

from pydantic import Field

from pluglm import Document, Dropped, Preprocessor, Problem
from pluglm_preprocessors.words.shingling import shingles

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray


@lru_cache(maxsize=8)
def evaluation_ngrams(paths: tuple[str, ...], size: int) -> NDArray[np.uint64]:
    """(n,) the sorted hashes of the n-grams of all records in these files.

    Raises:
        ValueError: for a line that is no JSON object.
    """
    import numpy as np

    every = [shingles(text, size, "word") for path in paths for text in records(Path(path))]
    return np.unique(np.concatenate(every)) if every else np.empty(0, dtype=np.uint64)


def records(path: Path) -> Iterator[str]:
    """The texts of a file: for JSON lines all strings of each record, else the lines."""
    for number, line in enumerate(path.read_text(encoding="utf-8-sig").split("\n"), start=1):
        if not line.strip():
            continue
        if ".json" not in path.suffixes and path.suffix != ".jsonl":
            yield line
            continue
        try:
            record = json.loads(line)
        except ValueError as error:
            raise ValueError(f"{path}:{number}: {error}") from None
        if not isinstance(record, dict):
            raise ValueError(f"{path}:{number}: is no JSON object")
        yield from strings(record)


def strings(value: Any) -> Iterator[str]:
    """Every string in what JSON gave: choices, answers and turns of a conversation stand in lists."""
    if isinstance(value, str):
        yield value
    elif isinstance(value, dict | list):
        for part in value.values() if isinstance(value, dict) else value:
            yield from strings(part)


class Decontaminate(Preprocessor):
    """Drop documents that share a run of words with an evaluation set, whose figures would otherwise flatter the model.

    Words are compared without case and punctuation. A record of fewer than `ngram` words counts only as a whole
    document.

    Source: Brown et al. 2020 (GPT-3), appendix C, https://arxiv.org/abs/2005.14165: runs of 13 words.
    """

    paths: Annotated[
        tuple[str, ...], Field(min_length=1, description="Files of the evaluation: JSON lines, or a text for each line")
    ]
    ngram: Annotated[int, Field(ge=2, le=100, description="How many words in a row are taken for the same text")] = 13
    min_share: Annotated[
        float, Field(ge=0, le=1, description="Share of a document's different n-grams that must be in it; 0: any one")
    ] = 0.0

    @classmethod
    def example(cls, folder: Path) -> dict[str, list[str]]:
        """A file of one question."""
        path = folder / "evaluation.jsonl"
        path.write_text('{"question": "Who told 4 people about the long film and the good book?"}\n', encoding="utf-8")
        return {"paths": [str(path)]}

    def files_read(self) -> list[Path]:
        """The evaluation."""
        return [Path(path) for path in self.paths]

    def problems(self, run: Any) -> Iterator[Problem]:
        """A file that is not there, or holds something else."""
        for label, technique in run.preprocessor.items():
            for path in self.paths if technique is self else ():
                if not Path(path).is_file():
                    yield Problem(f"preprocessor.{label}.paths", "is not a file", path)
                    continue
                try:
                    if not len(evaluation_ngrams((path,), self.ngram)):
                        yield Problem(f"preprocessor.{label}.paths", f"{path} holds no text")
                except (OSError, ValueError) as error:
                    where = "" if str(path) in str(error) else f"{path}: "
                    yield Problem(f"preprocessor.{label}.paths", f"{where}{error}")

    def process(self, document: Document) -> Document | Dropped:
        """The document as it is, if it shares nothing."""
        import numpy as np

        known = evaluation_ngrams(self.paths, self.ngram)
        shared = total = 0
        for name in self.fields:
            grams = shingles(str(document.get(name) or ""), self.ngram, "word")
            total += len(grams)
            # A position behind the last stands for the first, which is then no match either.
            places = np.searchsorted(known, grams) % max(1, len(known))
            shared += int(np.count_nonzero(known[places] == grams)) if len(known) else 0
        return Dropped("in_evaluation") if shared and shared >= self.min_share * total else document
