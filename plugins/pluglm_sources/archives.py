"""Members of zip and tar archives, read in memory one after another: nothing is written to disk, no link is followed,
and neither a member nor what a stream unpacks to is ever larger than allowed."""

from __future__ import annotations

import bz2
import gzip
import io
import tarfile
import zipfile
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from pluglm import Unreadable
from pluglm_sources.local_files import BLOCK, ZstdFrames, damage_errors, reason_of

RECORD = tarfile.BLOCKSIZE
LONGEST_NAME = 1 << 16
MAGIC = {b"\x1f\x8b": "gz", b"BZh": "bz2", b"\x28\xb5\x2f\xfd": "zst"}
LONG_NAME, LONG_LINK, EXTENDED = tarfile.GNUTYPE_LONGNAME, tarfile.GNUTYPE_LONGLINK, (b"x", b"g", b"X")


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


class Pieces:
    """A stream that gives what can be read of it: damage ends it, and is kept as `error`."""

    def __init__(self, file: Any) -> None:
        self._file, self._ready = file, bytearray()
        self.error: Exception | None = None
        self.position = 0

    @classmethod
    def of(cls, content: bytes) -> Pieces:
        """Those of bytes in memory."""
        return cls(io.BytesIO(content))

    def take(self, size: int) -> bytes:
        """The next `size` bytes; fewer where the stream ends."""
        while len(self._ready) < size and self._more():
            pass
        taken = bytes(self._ready[:size])
        del self._ready[:size]
        self.position += len(taken)
        return taken

    def skip(self, size: int) -> int:
        """Leave out the next `size` bytes; returns how many there were."""
        left = size
        while left:
            if not self._ready and not self._more():
                break
            gone = min(left, len(self._ready))
            del self._ready[:gone]
            left -= gone
        self.position += size - left
        return size - left

    def peek(self, size: int) -> bytes:
        """The next `size` bytes, which stay."""
        while len(self._ready) < size and self._more():
            pass
        return bytes(self._ready[:size])

    def _more(self) -> bool:
        if self.error is not None:
            return False
        try:
            # Not read(), which would lose what came before the damage.
            block = self._file.read1(BLOCK)
        except damage_errors() as error:
            self.error = error
            return False
        self._ready += block
        return bool(block)


def open_packed(path: Path) -> Any:
    """The bytes of a file that may be packed, as its first bytes say: names of archives often do not.

    Raises:
        OSError: where it cannot be opened.
    """
    with path.open("rb") as file:
        start = file.read(4)
    kind = next((kind for magic, kind in MAGIC.items() if start.startswith(magic)), "")
    if kind == "gz":
        return gzip.GzipFile(path, "rb")
    if kind == "bz2":
        return bz2.BZ2File(path, "rb")
    return io.BufferedReader(ZstdFrames(path), BLOCK) if kind == "zst" else path.open("rb")


def is_tar(start: bytes) -> bool:
    """Whether the first 512 bytes of a file are a header of tar."""
    try:
        tarfile.TarInfo.frombuf(start[:RECORD], "utf-8", "surrogateescape")
    except tarfile.HeaderError:
        return False
    return True


def tar_members(pieces: Pieces, place: str, most: int, wanted: Callable[[str], bool]) -> Iterator[Member | Unreadable]:
    """The regular files of a tar whose name is wanted, in its order, with the offset of their header in the unpacked
    stream. Behind a damaged header it goes on at the next good one; links, devices and unsafe names are refused.

    Source: https://pubs.opengroup.org/onlinepubs/9699919799/utilities/pax.html
    """
    given, length, lost, ended = "", -1, False, False
    while len(block := pieces.take(RECORD)) == RECORD:
        offset = pieces.position - RECORD
        if not block.strip(b"\0"):
            ended = True
            continue
        try:
            header = tarfile.TarInfo.frombuf(block, "utf-8", "surrogateescape")
        except tarfile.HeaderError as error:
            if not lost:
                yield Unreadable(f"{place}@{offset}", "damaged_tar_header", str(error))
            given, length, lost = "", -1, True
            continue
        lost, ended = False, False
        if header.type in (LONG_NAME, LONG_LINK, *EXTENDED):
            if header.size > LONGEST_NAME:
                yield Unreadable(f"{place}@{offset}", "damaged_tar_header", f"a name of {header.size} bytes")
                pieces.skip(_padded(header.size))
                continue
            said = pieces.take(_padded(header.size))[: header.size]
            if header.type == LONG_NAME:
                given = said.rstrip(b"\0").decode("utf-8", "surrogateescape")
            elif header.type != LONG_LINK:
                records = _extended(said)
                given = records.get("path", given)
                length = int(records["size"]) if records.get("size", "").isdigit() else length
            continue
        name, size = given or header.name, header.size if length < 0 else length
        given, length = "", -1
        locator = f"{place}@{offset}:{name.encode('utf-8', 'replace').decode('utf-8', 'replace')}"
        if header.isdir() or (header.isreg() and not wanted(name) and not unsafe(name)):
            missing = pieces.skip(_padded(size)) < size
        elif not header.isreg():
            yield Unreadable(locator, "not_a_regular_file", "a link, a device or a sparse file")
            missing = not header.islnk() and not header.issym() and pieces.skip(_padded(size)) < size
        elif unsafe(name):
            yield Unreadable(locator, "unsafe_path", "it leads out of its folder")
            missing = pieces.skip(_padded(size)) < size
        elif size > most:
            yield Unreadable(locator, "file_too_large", f"{size} bytes, more than {most}")
            missing = pieces.skip(_padded(size)) < size
        else:
            content = pieces.take(_padded(size))
            missing = len(content) < size
            if not missing:
                yield Member(name, locator, content[:size])
        if missing:
            yield Unreadable(locator, _why(pieces), f"{pieces.position - offset - RECORD} of {size} bytes are there")
            return
    if pieces.error is not None or not ended:
        detail = str(pieces.error or "the archive has no end")
        yield Unreadable(f"{place}@{pieces.position}", _why(pieces), detail)


def _why(pieces: Pieces) -> str:
    return "truncated_or_damaged" if pieces.error is None else reason_of(pieces.error)


def _padded(size: int) -> int:
    return -(-size // RECORD) * RECORD


def _extended(content: bytes) -> dict[str, str]:
    """The records of a pax header: `LENGTH KEY=VALUE` and a line end each."""
    records, at = {}, 0
    while at < len(content):
        length, _, _ = content[at : at + 20].partition(b" ")
        if not length.isdigit() or int(length) < len(length) + 3:
            break
        record = content[at + len(length) + 1 : at + int(length) - 1]
        key, _, value = record.partition(b"=")
        records[key.decode("utf-8", "replace")] = value.decode("utf-8", "surrogateescape")
        at += int(length)
    return records


def zip_members(
    source: Path | bytes, place: str, most: int, wanted: Callable[[str], bool]
) -> Iterator[Member | Unreadable]:
    """The files of a zip whose name is wanted, in its order; `most` bytes at most of all of them together."""
    try:
        archive = zipfile.ZipFile(io.BytesIO(source) if isinstance(source, bytes) else source)
    except (zipfile.BadZipFile, OSError, ValueError, NotImplementedError) as error:
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
            except (zipfile.BadZipFile, NotImplementedError, RuntimeError, ValueError, *damage_errors()) as error:
                yield Unreadable(locator, "truncated_or_damaged", str(error))
                continue
            if len(content) > most:
                yield Unreadable(locator, "file_too_large", f"more than {most} bytes are left to it")
                continue
            most -= len(content)
            yield Member(member.filename, locator, content)


def gunzipped(content: bytes, most: int, locator: str) -> bytes | Unreadable:
    """What gzip packed, never more than `most` bytes."""
    pieces = Pieces(gzip.GzipFile(fileobj=io.BytesIO(content)))
    found = pieces.take(most + 1)
    if len(found) > most:
        return Unreadable(locator, "file_too_large", f"more than {most} bytes unpacked")
    if pieces.error is not None:
        return Unreadable(locator, "truncated_or_damaged", f"at byte {len(found)} unpacked: {pieces.error}")
    return found
