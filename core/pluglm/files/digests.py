"""Digests of data and of files."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import xxhash


def digest(value: Any) -> str:
    """A short name for JSON-able data, the same for equal data on every machine."""
    return xxhash.xxh3_128_hexdigest(json.dumps(value, sort_keys=True, default=str).encode())


def file_digest(path: Path) -> str:
    """The digest of a file's bytes."""
    state = xxhash.xxh3_128()
    with path.open("rb") as file:
        while block := file.read(1 << 20):
            state.update(block)
    return state.hexdigest()
