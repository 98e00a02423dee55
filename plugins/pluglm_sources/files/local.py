"""Local files by glob: the base of the sources that read them."""

from __future__ import annotations

from abc import abstractmethod
from collections.abc import Iterable, Iterator, Sequence
from pathlib import Path
from typing import Annotated, Any

import xxhash
from pydantic import BeforeValidator, Field

from pluglm import Document, Dropped, Problem, Source, Unreadable
from pluglm_sources.files.paths import matches_of, no_file

# What a process reads at a time: about so many bytes, and so many files where they are small.
GROUP_BYTES, GROUP_FILES = 16_000_000, 64

Paths = Annotated[
    tuple[str, ...],
    BeforeValidator(lambda value: (value,) if isinstance(value, str) else value),
    Field(min_length=1, description="Files, as globs (** goes into folders); .gz, .bz2 and .zst are unpacked"),
]


class FileSource(Source):
    """Base of the sources that read local files, each once, by whatever names the globs find it."""

    paths: Paths

    def inputs(self) -> Iterable[Path]:
        """The files that the globs match, sorted."""
        return matches_of(self.paths).paths()

    def shards(self) -> Sequence[Source]:
        """Groups of neighbouring files. Where a group ends follows from the files' names, so that a change of one file
        changes no other group."""
        groups: list[list[str]] = [[]]
        size = 0
        for path, globs in matches_of(self.paths).globs():
            groups[-1] += globs
            size += path.stat().st_size if path.exists() else 0
            if (
                size >= GROUP_BYTES
                or xxhash.xxh3_64_intdigest(str(path).encode(errors="surrogateescape")) % GROUP_FILES == 0
            ):
                groups.append([])
                size = 0
        return [self.model_copy(update={"paths": tuple(group)}) for group in groups if group] or (self,)

    def problems(self, run: Any) -> Iterator[Problem]:
        """A glob that matches no file."""
        for label, source in run.source.items():
            if source is self:
                yield from path_problems(label, self.paths)

    def read(self) -> Iterator[Document | Unreadable | Dropped]:
        """The documents, in the order of the sorted paths; and first, what else the globs match and is not read."""
        found = matches_of(self.paths)
        yield from found.left_out()
        for path in found.paths():
            yield from self.read_file(path)

    @abstractmethod
    def read_file(self, path: Path) -> Iterator[Document | Unreadable | Dropped]:
        """The documents of one file."""


def path_problems(label: str, patterns: Iterable[str]) -> Iterator[Problem]:
    """A problem for each glob that matches no file."""
    for pattern in patterns:
        if wrong := no_file(pattern):
            yield Problem(f"source.{label}.paths", wrong[0], pattern, wrong[1])
