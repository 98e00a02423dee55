"""The part of making examples that any process can do: the documents of one file to a table of their tokens."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path
from typing import TYPE_CHECKING, Any

from pluglm.batching.mixture import copies
from pluglm.batching.packing import TokenAccount, cut
from pluglm.batching.table import write_table
from pluglm.batching.text_encoding import use_fast_encoding
from pluglm.corpus.ledger import Account
from pluglm.corpus.missing import is_missing
from pluglm.corpus.tasks import read_documents
from pluglm.families import Objective
from pluglm.files.replacing import replaced_folder, write_json

if TYPE_CHECKING:
    from transformers import PreTrainedTokenizerFast

COPIES = "copies"
"""The column that says how often a piece stands in a pass."""


@dataclass(frozen=True, slots=True)
class EncodeDocuments:
    """Encodes the documents of one Parquet file into the table `folder`: whole pieces where blocks are made of them,
    else examples.

    `values`: of each column that travels to the loss, the values it has in the training documents. `passes`: how often
    each source is seen in a pass, where that is not once. `fast`: whether the fast way of encoding was verified.
    """

    documents: Path
    folder: Path
    station: str
    objective: Objective
    tokenizer: Path
    length: int
    packs: bool
    fitted: Mapping[str, Any]
    values: Mapping[str, list[str]]
    passes: Mapping[str, float]
    seed: int
    fast: bool
    stop: bool

    def is_done(self) -> bool:
        """Whether the table is there."""
        return (self.folder / "account.json").exists()

    def accounts(self) -> tuple[Account, TokenAccount]:
        """What became of the documents and of their tokens."""
        found = json.loads((self.folder / "account.json").read_text(encoding="utf-8"))
        return Account.from_dict(found["station"], found["records"]), TokenAccount.from_dict(found["tokens"])

    def run(self) -> int:
        """Encode them."""
        station, account = Account(self.station, stop=self.stop), TokenAccount()
        tokenizer = opened_tokenizer(self.tokenizer, self.fast)
        pieces = self._pieces(tokenizer, station, account)
        with self._accounted(station), replaced_folder(self.folder, sync=False, shared=True) as temporary:
            write_table(temporary, pieces if self.packs else cut(pieces, self.length, account))
            said = {"station": station.as_dict(), "records": station.records, "tokens": account.as_dict()}
            (temporary / "account.json").write_text(json.dumps(said), encoding="utf-8")
        return station.kept

    def known_account(self) -> Account | None:
        """The account of the documents, or else of those that were encoded before the work was broken off."""
        for path in (self.folder / "account.json", self._unfinished()):
            with suppress(OSError, ValueError):
                found = json.loads(path.read_text(encoding="utf-8"))
                return Account.from_dict(found["station"], found["records"])
        return None

    @contextmanager
    def _accounted(self, station: Account) -> Iterator[None]:
        self._unfinished().unlink(missing_ok=True)
        try:
            yield
        except BaseException:
            known = station.settled()
            with suppress(OSError):
                write_json(self._unfinished(), {"station": known.as_dict(), "records": known.records})
            raise

    def _unfinished(self) -> Path:
        return self.folder.with_name(f"{self.folder.name}.unfinished.json")

    def _pieces(
        self, tokenizer: PreTrainedTokenizerFast, station: Account, account: TokenAccount
    ) -> Iterator[dict[str, Any]]:
        required, objective = self.objective.required_fields(), self.objective
        for document in read_documents(self.documents):
            station.read += 1
            missing = [name for name in required if is_missing(document.get(name))]
            if missing:
                locator = f"{document.source}:{document.id}"
                detail = (
                    f"the objective needs {', '.join(missing)}; a source of records takes a field from a column by "
                )
                detail += f"source.{document.source}.fields={{{missing[0]}: COLUMN}}"
                station.quarantine(locator, "no_" + "_".join(missing), detail)
                continue
            try:
                examples = list(objective.examples(document, tokenizer, self.length, self.fitted))
            except ValueError as error:
                station.quarantine(f"{document.source}:{document.id}", "unusable", str(error))
                continue
            station.characters_in += len(document.text)
            station.keep(None, document)
            tokens = sum(len(example["input_ids"]) for example in examples)
            columns: dict[str, Any] = {"weight": float(document.weight)}
            for name, known in self.values.items():
                value = "" if is_missing(document.get(name)) else str(document.get(name))
                columns[f"field_{name}"] = known.index(value) if value in known else -1
            times = 1
            if self.passes:
                times = copies(self.passes[document.source], document.source, document.id, self.seed)
                columns[COPIES] = times
            account.count(document.source, tokens, times)
            for example in examples:
                yield {**example, **columns}


@lru_cache(maxsize=2)
def opened_tokenizer(folder: Path, fast: bool) -> PreTrainedTokenizerFast:
    """The tokenizer saved in `folder`, with `fast` through the fast way of encoding where it has one."""
    from pluglm.batching.tokenizer import saved_tokenizer

    tokenizer = saved_tokenizer(folder)
    if fast:
        use_fast_encoding(tokenizer)
    return tokenizer
