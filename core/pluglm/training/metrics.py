"""metrics.jsonl: one line per measurement, cut back to the checkpoint on resume."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

from pluglm.files.replacing import write_bytes


class MetricsLog:
    """Appends lines; `size` is what a checkpoint remembers, and `cut` goes back to it."""

    def __init__(self, path: Path) -> None:
        self._path = path
        path.touch()

    def write(self, kind: str, step: int, values: dict[str, Any]) -> dict[str, Any]:
        """Add a line and return it."""
        line = {"kind": kind, "step": step, **values}
        with self._path.open("a", encoding="utf-8") as file:
            file.write(json.dumps(line) + "\n")
        return line

    def count(self) -> int:
        """How many whole lines there are."""
        return self._path.read_bytes().count(b"\n")

    def cut(self, lines: int) -> None:
        """Keep the first `lines` lines."""
        kept = self._path.read_bytes().splitlines(keepends=True)[:lines]
        write_bytes(self._path, b"".join(kept))
