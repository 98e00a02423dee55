"""Folders of Hugging Face's `datasets` on disk: what `save_to_disk` writes, and folders of data files."""

from __future__ import annotations

import json
import os
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any

from pluglm import DataError
from pluglm_sources.files.arrow_rows import rows_of

ROWS = 256
"""How many rows are in memory at once: texts may be long."""
END_OF_STREAM = b"\xff\xff\xff\xff\0\0\0\0"
"""https://arrow.apache.org/docs/format/Columnar.html#ipc-streaming-format"""
Labels = Mapping[str, Sequence[str]]


class Damage(Exception):
    """A file that breaks off, or cannot be read."""


def saved_files(folder: Path, split: str) -> list[Path] | None:
    """The Arrow files of a split that `save_to_disk` wrote; None where the folder is of another kind.

    Raises:
        DataError: where it has no such split, or what describes it cannot be read.
    """
    if (folder / "dataset_dict.json").exists():
        splits = _json_of(folder / "dataset_dict.json").get("splits", [])
        if split not in splits:
            raise DataError(f"hugging_face: {folder} has no split {split}; it has {', '.join(splits)}")
        folder /= split
    if not (folder / "state.json").exists():
        return None
    files = _json_of(folder / "state.json").get("_data_files", [])
    # Only the name counts: a path in it could lead anywhere.
    names = [Path(str(file.get("filename"))).name for file in files if isinstance(file, dict)]
    if not names:
        raise DataError(f"hugging_face: {folder / 'state.json'} names no file")
    return [folder / name for name in names]


def data_files(folder: Path, config: str | None, split: str) -> tuple[str, list[str]]:
    """The kind of a folder's data files, and the files of the split, by the rules of the hub.

    Raises:
        DataError: where it has no such config or split, or no data files.
    """
    import datasets

    try:
        builder = datasets.load_dataset_builder(str(folder), name=config)
    except (ValueError, RuntimeError, OSError, datasets.exceptions.DatasetsError) as error:
        raise DataError(f"hugging_face: {folder}: {one_line(error)}") from None
    files = {str(name): found for name, found in (builder.config.data_files or {}).items()}
    if split not in files:
        raise DataError(f"hugging_face: {folder} has no split {split}; it has {', '.join(files)}")
    return str(builder.name), [str(name) for name in files[split]]


def arrow_rows(path: Path) -> Iterator[dict[str, Any]]:
    """The rows of a file in Arrow's streaming format.

    Raises:
        Damage: where it breaks off, behind the rows that could be read.
    """
    import pyarrow
    from pyarrow import ipc

    try:
        with path.open("rb") as file, ipc.open_stream(file) as reader:
            for batch in reader:
                for start in range(0, batch.num_rows, ROWS):
                    yield from rows_of(batch.slice(start, ROWS))
        with path.open("rb") as file:
            # A stream that breaks off between two batches looks complete to its reader.
            file.seek(-len(END_OF_STREAM), os.SEEK_END)
            if file.read() != END_OF_STREAM:
                raise Damage("the stream has no end")
    except (pyarrow.ArrowException, OSError, UnicodeDecodeError) as error:
        raise Damage(one_line(error)) from error


def other_rows(kind: str, name: str) -> Iterator[dict[str, Any]]:
    """The rows of a data file of a kind that `datasets` knows (csv, text, json ...).

    Raises:
        Damage: where it cannot be read, behind the rows that could be.
    """
    import datasets

    try:
        yield from datasets.load_dataset(kind, data_files=[name], split="train", streaming=True)
    except (ValueError, RuntimeError, OSError, datasets.exceptions.DatasetsError) as error:
        raise Damage(one_line(error)) from error


def labels_of(path: Path) -> Labels:
    """The names of the classes of each column of class labels, from beside an Arrow file or within a Parquet file."""
    import pyarrow
    from pyarrow import parquet

    try:
        if path.suffix == ".parquet":
            said = json.loads((parquet.read_schema(path).metadata or {}).get(b"huggingface", b"{}")).get("info", {})
        else:
            said = _json_of(path.parent / "dataset_info.json")
    except (pyarrow.ArrowException, OSError, ValueError, AttributeError, DataError):
        return {}
    features = said.get("features")
    return {
        name: feature["names"]
        for name, feature in (features.items() if isinstance(features, dict) else ())
        if isinstance(feature, dict) and feature.get("_type") == "ClassLabel" and isinstance(feature.get("names"), list)
    }


def one_line(error: Exception) -> str:
    """What an error says, on one line."""
    return " ".join(str(error).split())[:300] or type(error).__name__


def _json_of(path: Path) -> dict[str, Any]:
    try:
        found = json.loads(path.read_text(encoding="utf-8"))
    except (OSError, ValueError, RecursionError) as error:
        raise DataError(f"hugging_face: {path}: {one_line(error)}") from None
    if not isinstance(found, dict):
        raise DataError(f"hugging_face: {path} is no JSON object")
    return found
