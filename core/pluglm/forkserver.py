"""Processes that are forked from one that has imported what they need."""

from __future__ import annotations

import multiprocessing
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

OF_PYTHON = (None, "fork", "forkserver", "spawn")


@contextmanager
def ordinary_start() -> Iterator[None]:
    """While active, new processes are not told of a way of starting processes that a library brought into this one
    (joblib's workers have theirs), which they would not know."""
    before: Any = multiprocessing.get_start_method(allow_none=True)
    if before in OF_PYTHON:
        yield
        return
    multiprocessing.set_start_method(None, force=True)
    try:
        yield
    finally:
        multiprocessing.set_start_method(before, force=True)


@contextmanager
def unimportable_main() -> Iterator[None]:
    """While active, new processes do not import the script that runs, and so do not run it again where it has no
    `__main__` guard."""
    main = sys.modules["__main__"]
    hidden: dict[str, Any] = {name: vars(main).pop(name) for name in ("__spec__", "__file__") if name in vars(main)}
    main.__spec__ = None
    try:
        yield
    finally:
        vars(main).update(hidden)
