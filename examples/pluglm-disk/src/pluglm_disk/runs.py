"""Run folders and what they take on disk."""

from __future__ import annotations

import os
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path


@dataclass(frozen=True, slots=True)
class Run:
    """A run folder. `bytes`: all its files; `removable`: those of its checkpoints, once the run has finished."""

    folder: Path
    status: str
    bytes: int
    removable: int


def runs_below(folder: Path) -> Iterator[Run]:
    """The run folders at or below `folder`, sorted; links are not followed."""
    for path, names, files in os.walk(folder):
        names.sort()
        if "config.yaml" in files and "manifest.json" in files:
            names.clear()
            yield _run(Path(path))


def _run(folder: Path) -> Run:
    finished = (folder / "results.json").is_file()
    # A run that has not finished goes on from its checkpoints.
    removable = size(folder / "checkpoints") if finished else 0
    return Run(folder, "finished" if finished else "not finished", size(folder), removable)


def size(folder: Path) -> int:
    """Bytes of all files below `folder`; 0 where there is none."""
    total = 0
    for path, _, files in os.walk(folder):
        for name in files:
            try:
                total += os.lstat(os.path.join(path, name)).st_size
            except FileNotFoundError:
                # A run that is under way replaces its checkpoints.
                continue
    return total
