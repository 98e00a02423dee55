"""The tokens of a split, from documents that are encoded apart and then joined."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any

from pluglm.batching.encode_documents import EncodeDocuments, opened_tokenizer
from pluglm.batching.join_tables import join
from pluglm.batching.mixture import passes
from pluglm.batching.packing import TokenAccount
from pluglm.batching.text_encoding import encodes_fast
from pluglm.config.run_config import RunConfig
from pluglm.corpus.engines import Engine
from pluglm.corpus.ledger import Book
from pluglm.corpus.prepared import Corpus
from pluglm.corpus.tasks import read_documents
from pluglm.errors import DataError

if TYPE_CHECKING:
    from pluglm.progress import Progress

SAMPLED_FILES, SAMPLED_CHARACTERS = 20, 100_000


class SplitEncoding:
    """Encodes both splits of a corpus into `folder`, keeping what is done of each in `work`, where the tokenizer is.

    `fast`: whether the fast way of encoding gives the tokenizer's ids for documents from all over the corpus.
    """

    def __init__(
        self,
        config: RunConfig,
        corpus: Corpus,
        folder: Path,
        work: Path,
        values: Mapping[str, list[str]],
        packs: bool,
        engine: Engine,
        progress: Progress,
    ) -> None:
        self.config, self.corpus, self.folder, self.work = config, corpus, folder, work
        self.values, self.packs, self.engine, self.progress = values, packs, engine, progress
        self.fitted = json.loads((work / "fitted.json").read_text(encoding="utf-8"))
        self.fast = encodes_fast(opened_tokenizer(work / "tokenizer", True), sampled_texts(corpus))

    def split(self, split: str, book: Book) -> dict[str, Any]:
        """Write the examples of a split, and give the account of its tokens.

        Raises:
            DataError: where there are none, or too many documents cannot serve.
        """
        config = self.config
        tasks, tokens = self._encoded(split, {}, book)
        seen = passes(config.data.mixture, tokens.sources) if split == "train" else {}
        if any(each != 1 for each in seen.values()):
            tasks, tokens = self._encoded(split, seen, book)
        for task in tasks:
            book.enter(task.accounts()[0])
        account = book.stations[f"objective.{split}"]
        if (bad := account.quarantined.total()) > config.data.max_quarantined * account.read:
            raise DataError(
                f"objective={config.objective.name} cannot use {bad} of {account.read} {split} documents "
                f"({', '.join(f'{r} {n}' for r, n in account.quarantined.most_common(5))})"
            )
        parts = [task.folder for task in tasks]
        if not join(parts, self.folder / split, config.data.sequence_length, self.packs, tokens):
            raise DataError(
                f"the {split} split gives no example: {tokens.tokens_in} tokens in {account.read} documents, and a "
                f"block takes data.sequence_length={config.data.sequence_length}; add text or shorten the block"
            )
        said = tokens.as_dict()
        for source, counts in said["sources"].items():
            # What was wanted, but of whole documents: one that is wanted half a time is there once, or not at all.
            there = counts.pop("tokens_in_pass")
            counts["passes"] = there / counts["tokens"] if counts["tokens"] else seen.get(source, 1.0)
        return said

    def _encoded(self, split: str, seen: Mapping[str, float], book: Book) -> tuple[list[EncodeDocuments], TokenAccount]:
        config, tokens = self.config, TokenAccount()
        tasks = [
            EncodeDocuments(
                documents=path.absolute(),
                folder=self.work / f"{split}-{'mixed-' if seen else ''}{path.stem}",
                station=f"objective.{split}",
                objective=config.objective,
                tokenizer=self.work / "tokenizer",
                length=config.data.sequence_length,
                packs=self.packs,
                fitted=self.fitted,
                values=self.values,
                passes=seen,
                seed=config.seed,
                fast=self.fast,
                stop=config.data.on_error == "stop",
            )
            for path in sorted((self.corpus.folder / split).glob("*.parquet"))
        ]
        left = [task for task in tasks if not task.is_done()]
        if left:
            with self.progress.task(f"Tokenizing {split}", unit="documents") as shown:
                try:
                    self.engine.run(left, shown.advance)
                except BaseException:
                    for account in filter(None, (task.known_account() for task in tasks)):
                        book.keep(account)
                    raise
        for task in tasks:
            tokens.merge(task.accounts()[1])
        return tasks, tokens


def sampled_texts(corpus: Corpus) -> Iterator[str]:
    """Texts from all over the training documents, a hundred thousand characters of them."""
    files = sorted((corpus.folder / "train").glob("*.parquet"))
    for path in files[:: max(1, len(files) // SAMPLED_FILES)]:
        left = SAMPLED_CHARACTERS // min(SAMPLED_FILES, len(files))
        for document in read_documents(path):
            yield document.text[:left]
            left -= len(document.text)
            if left <= 0:
                break
