"""Examples on disk, memory-mapped: opening costs the same for any number of them."""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Any

import numpy as np


class ExampleTable:
    """Examples by index. Each name holds a list of ints of any length (`values` and `offsets`) or one number."""

    def __init__(self, folder: Path) -> None:
        kinds = json.loads((folder / "columns.json").read_text())
        self._lists: dict[str, tuple[Any, Any]] = {}
        self._numbers: dict[str, Any] = {}
        self._length = kinds["examples"]
        for name, kind in kinds["columns"].items():
            values = _open(folder / f"{name}.values.npy")
            if kind == "list":
                self._lists[name] = (values, _open(folder / f"{name}.offsets.npy"))
            else:
                self._numbers[name] = values

    def __len__(self) -> int:
        return int(self._length)

    def __getitem__(self, index: int) -> dict[str, Any]:
        example: dict[str, Any] = {
            name: np.asarray(values[offsets[index] : offsets[index + 1]]).astype(np.int64)
            for name, (values, offsets) in self._lists.items()
        }
        for name, numbers in self._numbers.items():
            example[name] = numbers[index].item()
        return example

    def lengths(self) -> Any:
        """(examples,) the number of `input_ids` of each."""
        return np.diff(np.asarray(self._lists["input_ids"][1]))


def _open(path: Path) -> Any:
    return np.load(path, mmap_mode="r", allow_pickle=False)


def write_table(folder: Path, examples: Iterable[Mapping[str, Any]]) -> int:
    """Write examples, which all have the same names; returns how many there were."""
    folder.mkdir(parents=True)
    lists: dict[str, list[Any]] = {}
    ends: dict[str, list[int]] = {}
    numbers: dict[str, list[Any]] = {}
    count = 0
    for example in examples:
        for name, value in example.items():
            if isinstance(value, (int, float, np.integer, np.floating)):
                numbers.setdefault(name, []).append(value)
            else:
                block = np.asarray(value, dtype=np.uint32)
                lists.setdefault(name, []).append(block)
                previous = ends.setdefault(name, [0])
                previous.append(previous[-1] + len(block))
        count += 1
    for name, blocks in lists.items():
        values = np.concatenate(blocks) if blocks else np.zeros(0, np.uint32)
        small = values.max(initial=0) < 2**16
        np.save(folder / f"{name}.values.npy", values.astype(np.uint16) if small else values)
        np.save(folder / f"{name}.offsets.npy", np.asarray(ends[name], dtype=np.int64))
    for name, column in numbers.items():
        np.save(folder / f"{name}.values.npy", np.asarray(column))
    kinds = dict.fromkeys(lists, "list") | dict.fromkeys(numbers, "number")
    (folder / "columns.json").write_text(json.dumps({"examples": count, "columns": kinds}))
    return count
