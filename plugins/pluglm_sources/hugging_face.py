"""Datasets of Hugging Face."""

from __future__ import annotations

import glob
import json
import os
from collections.abc import Callable, Iterable, Iterator
from dataclasses import replace
from hashlib import sha256
from itertools import islice
from pathlib import Path
from typing import Annotated, Any

from pydantic import Field

from pluglm import DataError, Document, Dropped, Problem, Unreadable
from pluglm_sources.files.dataset_folders import (
    Damage,
    Labels,
    arrow_rows,
    data_files,
    labels_of,
    one_line,
    other_rows,
    saved_files,
)
from pluglm_sources.files.paths import named_files, shown
from pluglm_sources.files.records import Columns
from pluglm_sources.jsonl import Jsonl
from pluglm_sources.parquet import Parquet

OFFLINE = ("HF_HUB_OFFLINE", "HF_DATASETS_OFFLINE")


class HuggingFace(Columns):
    """A dataset of Hugging Face's `datasets`: a local folder, or a name on the hub, whose rows are fetched.

    A local folder is one that `save_to_disk` wrote, or one of data files (Parquet, JSON lines, CSV, text ...) whose
    names and README tell splits and configs as on the hub. Columns of class labels give the names of their classes. No
    code of a dataset is ever run.

    Source: https://huggingface.co/docs/datasets
    """

    requires = {"datasets": "pluglm[data]"}

    dataset: Annotated[str, Field(min_length=1, description="A local folder, or a name on the hub (owner/name)")]
    config: Annotated[str | None, Field(description="Which of its configs; null for the only or default one")] = None
    split: Annotated[str, Field(min_length=1, description="Which of its splits")] = "train"
    revision: Annotated[str | None, Field(description="On the hub: a commit, branch or tag; null for the newest")] = (
        None
    )
    streaming: Annotated[
        bool, Field(description="From the hub, take rows as they come instead of first downloading the whole dataset")
    ] = True
    max_documents: Annotated[int | None, Field(ge=1, description="Rows from its beginning; null for all")] = None
    max_line_bytes: Annotated[int, Field(ge=1, description="Longer lines of JSON are quarantined unread")] = 16_000_000

    @classmethod
    def example(cls, folder: Path) -> dict[str, Any]:
        """A folder of one Parquet file."""
        Parquet.example(folder)
        return {"dataset": str(folder)}

    def inputs(self) -> Iterable[Path]:
        """The files of the split, and those that describe it; of a dataset on the hub none before `fetch`.

        Raises:
            DataError: where the folder has no such split or config.
        """
        folder = Path(self.dataset)
        if not folder.exists():
            return []
        saved = saved_files(folder, self.split)
        if saved is None:
            return named_files(data_files(folder, self.config, self.split)[1]).paths()
        return [*saved, *(saved[0].parent / name for name in ("state.json", "dataset_info.json"))]

    def problems(self, run: Any) -> Iterator[Problem]:
        """A dataset that is neither a folder nor a name on a hub that may be asked."""
        for label, source in run.source.items():
            if source is not self or Path(self.dataset).exists():
                continue
            off = next((name for name in OFFLINE if os.environ.get(name, "0").upper() not in ("", "0", "FALSE")), None)
            named = self.dataset.count("/") < 2 and not self.dataset.startswith((".", "/", "~"))
            if off or not named:
                why = f"; {off} keeps from the hub" if named else " and no name on the hub"
                yield Problem(f"source.{label}.dataset", f"is no folder{why}", self.dataset)

    def fetch(self, store: Path, say: Callable[[str], None]) -> HuggingFace:
        """The rows of a dataset on the hub as one Parquet file.

        Raises:
            DataError: where the hub cannot be reached, or has no such dataset, config, split or revision.
        """
        if Path(self.dataset).exists():
            return self
        values = self.model_dump(mode="json", include={"dataset", "config", "split", "revision", "max_documents"})
        folder = store / sha256(json.dumps(values, sort_keys=True).encode()).hexdigest()[:16]
        file = folder / "train.parquet"
        if not file.exists():
            say(f"Fetching {self.dataset} ({self.split})")
            folder.mkdir(parents=True, exist_ok=True)
            # A dot keeps a part out of what is read of a folder.
            part = folder / f".{file.name}.{os.getpid()}"
            try:
                self._download(part)
                part.replace(file)
            finally:
                part.unlink(missing_ok=True)
        return self.model_copy(
            update={"dataset": str(folder), "config": None, "split": "train", "revision": None, "max_documents": None}
        )

    def read(self) -> Iterator[Document | Unreadable | Dropped]:
        """The rows in the dataset's order.

        Raises:
            DataError: where there is no such folder, split or config.
        """
        folder = Path(self.dataset)
        if not folder.exists():
            raise DataError(f"hugging_face: {folder} is no folder, and was not fetched from the hub")
        saved = saved_files(folder, self.split)
        rows = self._saved(saved) if saved is not None else self._files(folder)
        for item in islice(rows, self.max_documents):
            # Within the folder, because one that was fetched lies elsewhere on another machine.
            if isinstance(item, Document):
                item.id = item.id.removeprefix(f"{shown(folder)}{os.sep}")
            yield item

    def _saved(self, files: list[Path]) -> Iterator[Document | Unreadable | Dropped]:
        for path in files:
            labels = labels_of(path)
            for item in self._records(arrow_rows(path), shown(path)):
                yield self._named(item, labels) if isinstance(item, Document) else item

    def _files(self, folder: Path) -> Iterator[Document | Unreadable | Dropped]:
        kind, names = data_files(folder, self.config, self.split)
        chosen = {name: getattr(self, name) for name in Columns.model_fields if name != "weight"}
        found = named_files(names)
        yield from found.left_out()
        # In the order that the hub has.
        for name in (name for name in names if name in found.files):
            # Those that pluglm has readers for are read on behind damage.
            paths = (glob.escape(name),)
            if kind == "parquet":
                labels = labels_of(Path(name))
                for item in Parquet(paths=paths, **chosen).read():
                    yield self._named(item, labels) if isinstance(item, Document) else item
            elif kind == "json" and {".jsonl", ".ndjson"} & set(Path(name).suffixes):
                yield from Jsonl(paths=paths, max_line_bytes=self.max_line_bytes, **chosen).read()
            else:
                yield from self._records(other_rows(kind, name), shown(name))

    def _records(self, rows: Iterator[dict[str, Any]], place: str) -> Iterator[Document | Unreadable | Dropped]:
        number = 0
        try:
            for number, row in enumerate(rows, 1):
                yield self.table_document(row, f"{place}:{number}")
        except Damage as error:
            yield Unreadable(f"{place}:{number + 1}", "truncated_or_damaged", str(error))

    def _named(self, document: Document, labels: Labels) -> Document:
        if not labels:
            return document

        def name(value: Any, column: str) -> Any:
            names = labels.get(column, ())
            # `datasets` has -1 for a class that is not known.
            unknown = bool(names) and value == -1
            return None if unknown else names[value] if isinstance(value, int) and 0 <= value < len(names) else value

        fields = {label: name(value, self.fields.get(label, label)) for label, value in document.fields.items()}
        metadata = {column: name(value, column) for column, value in document.metadata.items()}
        return replace(document, fields=fields, metadata=metadata)

    def _download(self, path: Path) -> None:
        import datasets
        from pyarrow import parquet

        try:
            rows = datasets.load_dataset(
                self.dataset, name=self.config, split=self.split, revision=self.revision, streaming=self.streaming
            )
            if self.max_documents is not None:
                rows = rows.take(self.max_documents if self.streaming else min(self.max_documents, len(rows)))
            writer = None
            for table in rows.with_format("arrow").iter(batch_size=1000):
                writer = writer or parquet.ParquetWriter(path, table.schema)
                writer.write_table(table.cast(writer.schema))
            if writer is None:
                raise DataError(f"hugging_face: {self.dataset} has no rows in {self.split}")
            writer.close()
        except (ValueError, RuntimeError, OSError, datasets.exceptions.DatasetsError) as error:
            said = one_line(error)
            raise DataError(f"hugging_face: {self.dataset}: {said}; a local folder needs no network") from None
