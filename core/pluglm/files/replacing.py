"""Replace a file or a folder atomically: readers see the old one or the new one, never a part of it."""

from __future__ import annotations

import json
import os
import shutil
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any


@contextmanager
def replaced_file(path: Path, sync: bool = False) -> Iterator[Path]:
    """Yield a temporary path beside `path`; what is written to it takes the place of `path` when the context ends.

    On an error the temporary file is removed and `path` stays as it was. The temporary name belongs to this process, so
    that several processes can write the same file.

    Args:
        sync: force the file to disk before it takes its place.
    """
    temporary = path.with_name(f"{path.name}.{os.getpid()}.tmp")
    try:
        yield temporary
        if sync:
            _sync(temporary)
        temporary.replace(path)
    except BaseException:
        temporary.unlink(missing_ok=True)
        raise


@contextmanager
def replaced_folder(path: Path, sync: bool = True, shared: bool = False) -> Iterator[Path]:
    """Yield an empty temporary folder beside `path`; it takes the place of `path` when the context ends.

    On an error the temporary folder is removed and `path` stays as it was.

    Args:
        sync: force every file to disk before the folder takes its place.
        shared: several processes may write the same folder at once; each gets a temporary name of its own.
    """
    temporary = path.with_name(f"{path.name}.{os.getpid()}.tmp" if shared else f"{path.name}.tmp")
    shutil.rmtree(temporary, ignore_errors=True)
    temporary.mkdir(parents=True)
    try:
        yield temporary
        if sync:
            sync_folder(temporary)
        if path.exists():
            remove_folder(path)
        temporary.rename(path)
        if sync:
            _sync(path.parent)
    except BaseException:
        shutil.rmtree(temporary, ignore_errors=True)
        raise


def remove_folder(path: Path) -> None:
    """Remove a folder so that readers see all of it or nothing, also when the removal is interrupted."""
    leaving = path.with_name(f"{path.name}.removed.tmp")
    shutil.rmtree(leaving, ignore_errors=True)
    path.rename(leaving)
    shutil.rmtree(leaving)


def write_json(path: Path, value: Any) -> None:
    """Write `value` as JSON, atomically; what JSON cannot express is written as its `str`."""
    write_text(path, json.dumps(value, indent=1, default=str) + "\n")


def write_text(path: Path, text: str, errors: str = "strict") -> None:
    """Write `text` in UTF-8, atomically. `errors`: how `str.encode` treats lone surrogates."""
    write_bytes(path, text.encode("utf-8", errors))


def write_bytes(path: Path, content: bytes) -> None:
    """Write `content`, atomically."""
    with replaced_file(path) as temporary:
        temporary.write_bytes(content)


def sync_folder(folder: Path) -> None:
    """Force every file below `folder`, and the folder itself, to disk."""
    for path in [*folder.rglob("*"), folder]:
        _sync(path)


def _sync(path: Path) -> None:
    descriptor = os.open(path, os.O_RDONLY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)
