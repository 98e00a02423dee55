"""Members of archives, read in memory one after another: nothing is written to disk, none is larger than allowed."""

from __future__ import annotations

import io
import lzma
import struct
import zipfile
import zlib
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path

from pluglm import Unreadable

BROKEN_ZIP = (
    *(zipfile.BadZipFile, RuntimeError, ValueError, OSError, EOFError),
    *(zlib.error, struct.error, lzma.LZMAError),
)


@dataclass(frozen=True, slots=True)
class Member:
    """A file in an archive: its name there, its place for messages, and its content."""

    name: str
    locator: str
    content: bytes


def unsafe(name: str) -> bool:
    """Whether a member's name would lead out of the folder that an archive is unpacked into."""
    parts = name.replace("\\", "/").split("/")
    return name.startswith(("/", "\\")) or ".." in parts or (len(parts[0]) == 2 and parts[0][1] == ":") or "\0" in name


def zip_members(
    source: Path | bytes, place: str, most: int, wanted: Callable[[str], bool]
) -> Iterator[Member | Unreadable]:
    """The files of a zip whose name is wanted, in its order; `most` bytes at most of all of them together."""
    try:
        archive = zipfile.ZipFile(io.BytesIO(source) if isinstance(source, bytes) else source)
    except BROKEN_ZIP as error:
        yield Unreadable(place, "not_zip_or_truncated", str(error))
        return
    with archive:
        for member in archive.infolist():
            locator = f"{place}:{member.filename.encode('utf-8', 'replace').decode('utf-8', 'replace')}"
            # zipfile itself takes .. and \ out of `filename` only when it writes to disk.
            if member.is_dir() or not (wanted(member.filename) or unsafe(member.orig_filename)):
                continue
            if unsafe(member.orig_filename):
                yield Unreadable(locator, "unsafe_path", "it leads out of its folder")
                continue
            if member.flag_bits & 1:
                yield Unreadable(locator, "encrypted")
                continue
            try:
                with archive.open(member) as file:
                    # What the directory says of a size is a claim.
                    content = file.read(most + 1)
            except BROKEN_ZIP as error:
                yield Unreadable(locator, "truncated_or_damaged", str(error))
                continue
            if len(content) > most:
                yield Unreadable(locator, "file_too_large", f"more than {most} bytes are left to it")
                continue
            most -= len(content)
            yield Member(member.filename, locator, content)
