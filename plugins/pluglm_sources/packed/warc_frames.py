"""Where the records of a WARC file begin and end, whatever is damaged between them.

Reading what is in a record is a library's work. Finding the next good one is ours: the libraries take a file that
breaks off for one that ends, and stop at the first damaged byte.

Source: https://iipc.github.io/warc-specifications/specifications/warc-format/warc-1.1/
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import BinaryIO

from pluglm_sources.packed.compressed_members import GLANCE, PIECE, Packing, beginning, next_member, packing
from pluglm_sources.packed.warc_window import Window

MOST_HEADER = 1 << 16
# How many times the largest record is unpacked of a member without finding one, before the member is given up.
WASTE = 64
# Some programs end lines with a line feed alone. A value may go on in the next line, if that begins with a blank.
BEGINNING, END, BLANK = re.compile(rb"WARC/\d\.\d{1,2}\r?\n"), b"\r\n\r\n", re.compile(rb"\n\r?\n")
LENGTH = re.compile(rb"\ncontent-length[ \t]*:(?:[ \t]|\r?\n[ \t])*(\d{1,18})[ \t]*\r?\n", re.IGNORECASE)
TYPE = re.compile(rb"\nwarc-type[ \t]*:", re.IGNORECASE)


@dataclass(frozen=True, slots=True)
class Frame:
    """The bytes of one record with its header, without the two line ends behind it.

    `offset` is where its member of the packed file begins, or the record itself in a plain one, and `inside` its place
    in what the member holds. `doubt`: why the member is not to be believed, or "".
    """

    offset: int
    inside: int
    content: bytes
    doubt: str = ""


@dataclass(frozen=True, slots=True)
class Damage:
    """`size` bytes from a place on (of what a member holds, or of the file) that are no good record, and why."""

    offset: int
    inside: int
    size: int
    reason: str
    detail: str


def frames(path: Path, most: int, start: int = 0, end: int | None = None) -> Iterator[Frame | Damage]:
    """The records that begin from byte `start` up to, not including, byte `end` of a file, and what is between them.

    A record of more than `most` bytes is passed by, and never in memory.

    Raises:
        OSError: the file cannot be opened or read.
    """
    with path.open("rb", buffering=0) as file:
        size = file.seek(0, 2)
        kind, first = packing(file, path)
        last = size if end is None else min(end, size)
        if kind is None:
            yield from _plain(file, start, last, most)
        else:
            begin = next_member(file, kind, start, size, is_record_start) if start > first else first
            yield from _packed(file, kind, begin, last, size, most)


def _packed(file: BinaryIO, kind: Packing, at: int, last: int, size: int, most: int) -> Iterator[Frame | Damage]:
    file.seek(at)
    held = b""
    while at < last or (at < size and not _begins(file, kind, at, held)):
        member = kind.open(file, held)
        window, inside = Window(member.read, WASTE * most), 0
        # As a rule a member is one record and small.
        if window.reach(1) and member.ended and is_record(window.held, most):
            yield Frame(at, 0, window.held[: -len(END)])
            held = member.left()
            at = file.seek(0, 1) - len(held)
            continue
        # Larger ones are gone through twice: whether their checksum is right shows only at their end.
        doubt = _doubt(file, kind, at, most)
        file.seek(at)
        member = kind.open(file, b"")
        window = Window(member.read, WASTE * most)
        for place, length, found in split(window, most):
            yield Frame(at, place, found, doubt) if isinstance(found, bytes) else Damage(at, place, length, *found)
            inside = place + length
        if window.error is None:
            held = member.left()
            at = file.seek(0, 1) - len(held)
            continue
        behind = next_member(file, kind, at + 1, size, is_record_start)
        reason = "truncated_record" if isinstance(window.error, EOFError) else "damaged_member"
        yield Damage(at, inside, behind - at, reason, str(window.error))
        at, held = file.seek(behind), b""


def _doubt(file: BinaryIO, kind: Packing, at: int, most: int) -> str:
    """What is wrong with a member, beside that it may be cut short; "" where it is whole."""
    file.seek(at)
    window = Window(kind.open(file, b"").read, WASTE * most)
    for _ in split(window, most):
        pass
    return "" if window.error is None or isinstance(window.error, EOFError | OverflowError) else str(window.error)


def is_record_start(content: bytes) -> bool:
    """Whether content begins with a record."""
    return content.startswith(b"WARC/")


def _begins(file: BinaryIO, kind: Packing, at: int, held: bytes) -> bool:
    # Whoever reads the next part of the file starts with the first good record, so that what is before is left to this.
    file.seek(at)
    good = is_record_start(beginning(kind, file.read(GLANCE)))
    file.seek(at + len(held))
    return good


def _plain(file: BinaryIO, start: int, last: int, most: int) -> Iterator[Frame | Damage]:
    window = Window(lambda: file.read(PIECE), file=file)
    window.go_to(start)
    if start:
        to_next_record(window)
    for at, length, found in split(window, most, last):
        yield Frame(at, 0, found) if isinstance(found, bytes) else Damage(at, 0, length, *found)


def is_record(content: bytes, most: int) -> bool:
    """Whether bytes are one whole record of not more than `most` bytes, and nothing else."""
    head, length = _header(content, 0)
    return length >= 0 and head + length <= most and head + length + len(END) == len(content) and content.endswith(END)


def split(window: Window, most: int, last: int | None = None) -> Iterator[tuple[int, int, bytes | tuple[str, str]]]:
    """(place, length, record) for each record of a stream that begins before `last`, and (place, length, (reason,
    detail)) for what is none. At an error of the window it ends, its place that of the record that is not whole."""
    while window.reach(1):
        if window.held[window.at] in b"\r\n":
            window.at += 1
            continue
        if last is not None and window.position >= last and _starts(window):
            return
        begin = window.position
        found = _record(window, most)
        # What is followed by more is whole where the data was cut off; where it is wrong, what was unpacked shortly
        # before may be wrong as well.
        sound = window.error is None or (isinstance(window.error, EOFError) and window.at < len(window.held))
        if not sound or (window.error is not None and not isinstance(found, bytes)):
            return
        if isinstance(found, bytes):
            window.wasted = 0
            yield begin, len(found), found
            continue
        if found[0] != "record_too_large":
            to_next_record(window)
        yield begin, window.position - begin, found


def _record(window: Window, most: int) -> bytes | tuple[str, str]:
    """The record at the window's place, which is then behind it; or what is wrong, and it is behind the header."""
    window.reach(MOST_HEADER)
    head, length = _header(window.held, window.at)
    if length < 0:
        window.at += 1
        return "not_a_record", "no header of a record is here"
    total = head + length
    if length > most:
        begin = window.position
        whole = window.waste(total)
        if whole and _ends(window):
            return "record_too_large", f"Content-Length {length}, more than {most}"
        there = None if whole else window.position - begin - head
        if window.file is not None:
            window.go_to(begin + head)
        return _wrong(length, there)
    window.reach(total + 9)
    there = len(window.held) - window.at
    if there < total:
        window.at += head
        return _wrong(length, there - head)
    content = window.held[window.at : window.at + total]
    window.at += total
    if _ends(window):
        window.at = min(window.at + len(END), len(window.held))
        return content
    window.at += head - total
    return _wrong(length)


def _wrong(length: int, there: int | None = None) -> tuple[str, str]:
    if there is None:
        return "wrong_length", f"no record ends after its Content-Length, {length}"
    return "truncated_record", f"Content-Length {length}, of which {there} are there"


def _header(held: bytes, at: int) -> tuple[int, int]:
    """(length of the header, Content-Length) of the record at a place; (0, -1) where there is none."""
    end = BLANK.search(held, at, at + MOST_HEADER)
    if end is None or not BEGINNING.match(held, at):
        return 0, -1
    head = end.end()
    length = LENGTH.search(held, at, head)
    return (head - at, int(length[1])) if length and TYPE.search(held, at, head) else (0, -1)


def _ends(window: Window) -> bool:
    """Whether a record ends at the window's place: two line ends follow, or another record, or nothing."""
    window.reach(9)
    after = window.held[window.at : window.at + 9]
    rest = after.lstrip(b"\r\n")
    return after.startswith(END) or not rest or rest.startswith(b"WARC/") or after[4:] == b"WARC/"


def _starts(window: Window) -> bool:
    window.reach(MOST_HEADER)
    return _header(window.held, window.at)[1] >= 0


def to_next_record(window: Window) -> None:
    """Go on to where a record begins, or to the end."""
    while True:
        found = BEGINNING.search(window.held, window.at)
        if found is None:
            # The beginning of the line may be in what is not yet held.
            if not window.waste(max(len(window.held) - window.at - 11, 0)) or not window.reach(12):
                window.waste(len(window.held) - window.at)
                return
            continue
        window.at = found.start()
        if _starts(window):
            return
        window.at += 1
