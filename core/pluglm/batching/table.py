"""Examples on disk, mapped into memory: opening costs the same for any number of them."""

from __future__ import annotations

import json
import sys
from array import array
from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Any

import numpy as np

BUFFERED = 1 << 20
"""Numbers that are held in memory before they are written."""


class ExampleTable:
    """Examples by index. Each name holds a list of ints (of any length, or all of one length) or one number.

    `columns.json` says how each is kept: `list` (values and the offsets at which examples begin), `block` (values, so
    many for each example), `number` (one for each), or `constant` (the same for all). The other files are the plain
    numbers, little-endian.
    """

    def __init__(self, folder: Path) -> None:
        described = json.loads((folder / "columns.json").read_text())
        self.columns: dict[str, dict[str, Any]] = described["columns"]
        self._length = int(described["examples"])
        self.values: dict[str, Any] = {}
        self.offsets: dict[str, Any] = {}
        for name, column in self.columns.items():
            if column["kind"] != "constant":
                self.values[name] = _mapped(folder / f"{name}.bin", column["dtype"])
            if column["kind"] == "list":
                self.offsets[name] = _mapped(folder / f"{name}.offsets.bin", "<i8")

    def __len__(self) -> int:
        return self._length

    def __getitem__(self, index: int) -> dict[str, Any]:
        example: dict[str, Any] = {}
        for name, column in self.columns.items():
            if column["kind"] == "constant":
                example[name] = column["value"]
            elif column["kind"] == "number":
                example[name] = self.values[name][index].item()
            else:
                start, end = self._bounds(name, column, index)
                example[name] = np.asarray(self.values[name][start:end]).astype(np.int64)
        return example

    def _bounds(self, name: str, column: Mapping[str, Any], index: int) -> tuple[int, int]:
        if column["kind"] == "block":
            return index * column["length"], (index + 1) * column["length"]
        return int(self.offsets[name][index]), int(self.offsets[name][index + 1])

    def lengths(self) -> Any:
        """(examples,) the number of `input_ids` of each. Where they are all the same it takes no memory."""
        column = self.columns["input_ids"]
        if column["kind"] == "block":
            return np.broadcast_to(np.int64(column["length"]), (len(self),))
        return np.diff(np.asarray(self.offsets["input_ids"]))


def _mapped(path: Path, dtype: str) -> Any:
    # Nothing cannot be mapped.
    return np.memmap(path, dtype, mode="r") if path.stat().st_size else np.zeros(0, dtype)


class TableWriter:
    """Writes a table as its numbers come, holding few of them in memory."""

    def __init__(self, folder: Path) -> None:
        folder.mkdir(parents=True, exist_ok=True)
        self.folder = folder
        self.examples = 0
        self._columns: dict[str, dict[str, Any]] = {}
        self._buffers: dict[str, list[Any]] = {}
        self._buffered: dict[str, int] = {}
        self._ends: dict[str, int] = {}

    def declare(self, name: str, kind: str, dtype: str, **more: Any) -> None:
        """Say how a name is kept, before its numbers come."""
        self._columns[name] = {"kind": kind, "dtype": dtype, **more}
        for file in (name, f"{name}.offsets") if kind == "list" else (name,):
            (self.folder / f"{file}.bin").touch()
            self._buffers[file], self._buffered[file] = [], 0
        if kind == "list":
            self._ends[name] = 0
            self._put(f"{name}.offsets", np.zeros(1, "<i8"))

    def constant(self, name: str, value: float) -> None:
        """A name that has the same number in every example."""
        self._columns[name] = {"kind": "constant", "value": value}

    def extend(self, name: str, values: Any, lengths: Any = None) -> None:
        """Add numbers, or lists: their values one behind the other, and (examples,) their lengths."""
        self._put(name, _numbers(values, self._columns[name]["dtype"]))
        if lengths is not None:
            ends = self._ends[name] + np.cumsum(np.asarray(lengths, "<i8"), dtype="<i8")
            self._put(f"{name}.offsets", ends)
            if len(ends):
                self._ends[name] = int(ends[-1])

    def _put(self, file: str, values: Any) -> None:
        self._buffers[file].append(values)
        self._buffered[file] += len(values)
        if self._buffered[file] >= BUFFERED:
            self._flush(file)

    def _flush(self, file: str) -> None:
        if self._buffers[file]:
            with (self.folder / f"{file}.bin").open("ab") as target:
                for values in self._buffers[file]:
                    target.write(np.ascontiguousarray(values).data)
            self._buffers[file], self._buffered[file] = [], 0

    def close(self, examples: int) -> None:
        """Write what is left, and the description, without which there is no table."""
        self.examples = examples
        for file in self._buffers:
            self._flush(file)
        (self.folder / "columns.json").write_text(json.dumps({"examples": examples, "columns": self._columns}))


def _numbers(values: Any, dtype: str) -> Any:
    if isinstance(values, list) and dtype == "<u4" and sys.byteorder == "little":
        # Four times as fast as to let NumPy look at each of them.
        return np.frombuffer(array("I", values), dtype)
    return np.asarray(values, dtype)


def write_table(folder: Path, examples: Iterable[Mapping[str, Any]]) -> int:
    """Write examples that all have the same names, one by one; returns how many there were."""
    writer = TableWriter(folder)
    count = 0
    for example in examples:
        for name, value in example.items():
            single = isinstance(value, int | float | np.integer | np.floating)
            if count == 0:
                whole = isinstance(value, int | np.integer)
                writer.declare(name, *(("number", "<i8" if whole else "<f8") if single else ("list", "<u4")))
            writer.extend(name, [value] if single else value, None if single else [len(value)])
        count += 1
    if count == 0:
        writer.declare("input_ids", "list", "<u4")
    writer.close(count)
    return count
