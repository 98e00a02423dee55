"""Local files by glob: the base of the sources that read them."""

from __future__ import annotations

import glob
from collections.abc import Iterable, Iterator, Sequence
from pathlib import Path
from typing import Annotated, Any

import xxhash
from pydantic import BeforeValidator, Field

from pluglm import Problem, Source

# What a process reads at a time: about so many bytes, and so many files where they are small.
GROUP_BYTES, GROUP_FILES = 16_000_000, 64

Paths = Annotated[
    tuple[str, ...],
    BeforeValidator(lambda value: (value,) if isinstance(value, str) else value),
    Field(min_length=1, description="Files, as globs (** goes into folders); .gz, .bz2 and .zst are unpacked"),
]


class FileSource(Source):
    """Base of the sources that read local files."""

    paths: Paths

    def inputs(self) -> Iterable[Path]:
        """The files that the globs match, sorted, each once."""
        found = {path for pattern in self.paths for path in glob.glob(pattern, recursive=True, include_hidden=False)}
        return [Path(path) for path in sorted(found) if not Path(path).is_dir()]

    def shards(self) -> Sequence[Source]:
        """Groups of neighbouring files. Where a group ends follows from the files' names, so that a change of one file
        changes no other group."""
        groups: list[list[Path]] = [[]]
        size = 0
        for path in self.inputs():
            groups[-1].append(path)
            size += path.stat().st_size if path.exists() else 0
            if size >= GROUP_BYTES or xxhash.xxh3_64_intdigest(str(path).encode()) % GROUP_FILES == 0:
                groups.append([])
                size = 0
        paths = [tuple(glob.escape(str(path)) for path in group) for group in groups if group]
        return [self.model_copy(update={"paths": group}) for group in paths] or (self,)

    def problems(self, run: Any) -> Iterator[Problem]:
        """A glob that matches no file."""
        for label, source in run.source.items():
            if source is self:
                for pattern in self.paths:
                    if not any(not Path(path).is_dir() for path in glob.iglob(pattern, recursive=True)):
                        yield Problem(f"source.{label}.paths", "matches no file", pattern)
