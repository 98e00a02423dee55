"""Members of a tar, streamed in constant memory, also from behind what is damaged. No link is followed."""

from __future__ import annotations

import re
import tarfile
from collections.abc import Callable, Iterator

from pluglm import Unreadable
from pluglm_sources.packed.opening import reason_of
from pluglm_sources.packed.streams import Pieces
from pluglm_sources.packed.zip_archives import Member, unsafe

RECORD = tarfile.BLOCKSIZE
LONGEST_NAME = 1 << 16
DIGITS = re.compile("[0-9]{1,18}")
LONG_NAME, LONG_LINK, EXTENDED = tarfile.GNUTYPE_LONGNAME, tarfile.GNUTYPE_LONGLINK, (b"x", b"g", b"X")


def is_tar(start: bytes) -> bool:
    """Whether the first 512 bytes of a file are a header of tar."""
    try:
        tarfile.TarInfo.frombuf(start[:RECORD], "utf-8", "surrogateescape")
    except tarfile.HeaderError:
        return False
    return True


def tar_members(
    pieces: Pieces, place: str, most: int, wanted: Callable[[str], bool], doubt: Exception | None = None
) -> Iterator[Member | Unreadable]:
    """The regular files of a tar whose name is wanted, in its order, with the offset of their header in the unpacked
    stream. Behind a damaged header it goes on at the next good one; links, devices and unsafe names are refused. With
    `doubt`, what is wrong with the packed file that the tar is in, none of them is believed.

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
                given, said_size = records.get("path", given), records.get("size", "")
                length = int(said_size) if DIGITS.fullmatch(said_size) else length
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
            if not missing and doubt is not None:
                yield Unreadable(locator, "damaged_member", str(doubt))
            elif not missing:
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
