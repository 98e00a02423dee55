"""What a finished folder of the cache holds, written down beside it: damage is seen before it is used."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import xxhash

SEAL = "whole.json"
CHECKED_BYTES = 64_000_000
"""So much is read to check a folder, from its smallest file on. Of the rest the sizes are looked at, so that a terabyte
opens as fast as a megabyte."""


def write_seal(folder: Path) -> None:
    """Write down size and digest of every file below `folder`; no digest of one that is too large to be checked."""
    found = sorted(path for path in folder.rglob("*") if path.is_file() and path.name != SEAL)
    files = {path.relative_to(folder).as_posix(): [path.stat().st_size, _digest(path)] for path in found}
    body = json.dumps(files)
    (folder / SEAL).write_text(json.dumps([xxhash.xxh3_128_hexdigest(body.encode()), body]), encoding="utf-8")


def damage(folder: Path, everything: bool = False) -> str | None:
    """The first file that is not what was sealed, or None; `everything`: read all that has a digest."""
    try:
        files = _sealed(folder)
    except (OSError, ValueError, TypeError):
        return SEAL
    left = CHECKED_BYTES
    for name, (size, digest) in sorted(files.items(), key=lambda item: (item[1][0], item[0])):
        path = folder / name
        try:
            if path.stat().st_size != size:
                return name
            left -= size
            if digest and (everything or left >= 0) and _digest(path) != digest:
                return name
        except OSError:
            return name
    return None


def _sealed(folder: Path) -> dict[str, Any]:
    digest, body = json.loads((folder / SEAL).read_text(encoding="utf-8"))
    if xxhash.xxh3_128_hexdigest(body.encode()) != digest:
        raise ValueError("the seal itself is damaged")
    files: dict[str, Any] = json.loads(body)
    return files


def _digest(path: Path) -> str:
    if path.stat().st_size > CHECKED_BYTES:
        return ""
    return xxhash.xxh3_128_hexdigest(path.read_bytes())
