"""The seal of a folder: size and digest of every file in it, so that damage is found before the folder is used."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import xxhash

from pluglm.files.digests import file_digest

SEAL = "whole.json"
SEALED = b'{"whole": "%b", '
"""How sealed JSON begins: with the digest of itself as it was without this."""
CHECKED_BYTES = 64_000_000
"""So much is read to check a folder, from its smallest file on. Of the rest the sizes are looked at, so that a terabyte
opens as fast as a megabyte."""


def write_seal(folder: Path, everything: bool = False) -> None:
    """Write size and digest of every file below `folder` into it. Files over `CHECKED_BYTES` get no digest, unless
    `everything` is to be checked."""
    found = sorted(path for path in folder.rglob("*") if path.is_file() and path.name != SEAL)
    files = {}
    for path in found:
        size = path.stat().st_size
        digest = file_digest(path) if everything or size <= CHECKED_BYTES else ""
        files[path.relative_to(folder).as_posix()] = [size, digest]
    (folder / SEAL).write_bytes(sealed({"files": files}))


def damaged_file(folder: Path, everything: bool = False) -> str | None:
    """The first file that is not what was sealed, or None; `everything`: read all that has a digest."""
    try:
        files: dict[str, Any] = unsealed((folder / SEAL).read_bytes())["files"]
    except (OSError, ValueError):
        return SEAL
    left = CHECKED_BYTES
    for name, (size, digest) in sorted(files.items(), key=lambda item: (item[1][0], item[0])):
        path = folder / name
        try:
            if path.stat().st_size != size:
                return name
            left -= size
            if digest and (everything or left >= 0) and file_digest(path) != digest:
                return name
        except OSError:
            return name
    return None


def sealed(data: dict[str, Any]) -> bytes:
    """Plain data, which is not empty, as JSON that holds its own digest."""
    body = json.dumps(data, ensure_ascii=True).encode()
    return SEALED % xxhash.xxh3_128_hexdigest(body).encode() + body[1:]


def unsealed(content: bytes) -> dict[str, Any]:
    """What `sealed` was given.

    Raises:
        ValueError: it is not what was written.
    """
    start = len(SEALED % (b"0" * 32))
    body = b"{" + content[start:]
    if content[:start] != SEALED % xxhash.xxh3_128_hexdigest(body).encode():
        raise ValueError("it is not what was written")
    found: dict[str, Any] = json.loads(body)
    return found
