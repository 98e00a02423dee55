"""ledger.json and quarantine.jsonl of a run that ends before its corpus and examples are made."""

from __future__ import annotations

import shutil
from collections.abc import Callable, Mapping, Sequence
from contextlib import suppress
from pathlib import Path
from types import TracebackType
from typing import Any, Self

from pluglm.errors import DataError
from pluglm.files.replacing import write_json

KeepAccounts = Callable[[Sequence[Mapping[str, Any]], Path], None]
"""Given accounts of stations and a file of records that were quarantined there, and keeps both."""


class AccountFiles:
    """Writes the accounts that are known so far into a run folder where the context ends with an error, whichever it
    is. A `DataError` then says where the quarantined records are."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        self._stations: list[Mapping[str, Any]] = []
        self._quarantined = folder / "quarantine.jsonl"
        self._records = 0

    def __enter__(self) -> Self:
        # Those of an earlier attempt in this folder are not of this one.
        for name in ("ledger.json", "quarantine.jsonl"):
            (self._folder / name).unlink(missing_ok=True)
        return self

    def add(self, stations: Sequence[Mapping[str, Any]], quarantine: Path) -> None:
        """Keep accounts, and the records in `quarantine`, which may be gone afterwards."""
        self._stations += stations
        with suppress(OSError):
            if quarantine.stat().st_size:
                with quarantine.open("rb") as source, self._quarantined.open("ab") as target:
                    shutil.copyfileobj(source, target)
                    self._records = target.tell()

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        if error is None:
            return
        said = " ".join(f"{type(error).__name__}: {error}".split())
        # What ended the run is to be told, and not that this cannot be written.
        with suppress(OSError):
            write_json(
                self._folder / "ledger.json", {"stations": self._stations, "tokens": {}, "ended_early": said[:500]}
            )
        if isinstance(error, DataError) and self._records:
            raise DataError(f"{error}; the records: {self._quarantined}") from None
