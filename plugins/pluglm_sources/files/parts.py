"""Files in parts that different processes can read."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from itertools import pairwise
from pathlib import Path
from typing import NamedTuple

import xxhash

from pluglm_sources.files.local import GROUP_FILES

PART = 2_000_000
"""Bytes of one part, about: a second or two of work, so that several processes end at about the same time."""


class Part(NamedTuple):
    """The records that begin from byte `start` up to, not including, `end` of a file, and what the file is called."""

    path: str
    called: str
    start: int
    end: int


def parts_of(path: Path, called: str) -> list[Part]:
    """A file in parts of about one size; one part, of no byte, where it cannot be looked at."""
    try:
        size = path.stat().st_size
    except OSError:
        size = 0
    count = max(round(size / PART), 1)
    edges = [size * number // count for number in range(count + 1)]
    return [Part(str(path), called, start, end) for start, end in pairwise(edges)]


def grouped(parts: Iterable[Part]) -> Iterator[list[Part]]:
    """Parts that stand next to each other, as many as make up about the size of one. Some files end a group by their
    names, so that a change of one file changes few groups."""
    group, size = list[Part](), 0
    for part in parts:
        if group and size + part.end - part.start > PART:
            yield group
            group, size = [], 0
        group.append(part)
        size += part.end - part.start
        if xxhash.xxh3_64_intdigest(part.called.encode()) % GROUP_FILES == 0:
            yield group
            group, size = [], 0
    if group:
        yield group
