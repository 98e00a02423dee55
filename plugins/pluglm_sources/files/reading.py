"""Lines and contents of local files, compressed or not, read in pieces so that no damage and no line is too large."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

from pluglm import Unreadable
from pluglm_sources.files.paths import shown
from pluglm_sources.packed.compressed_text import Doubtful, Piece, Resumed, pieces_of
from pluglm_sources.packed.opening import BLOCK, SUFFIXES, content_of, damage_errors, reason_of

MOST_TOLD = 10_000
"""Lines of doubtful content in one file that are quarantined one by one; further ones are counted in a line."""


def lines_of(path: Path, most: int) -> Iterator[tuple[int, bytes | Unreadable]]:
    """Each line with its number from 1, without its end. A line of more than `most` bytes is never held in memory; it
    becomes `Unreadable`, as do lines whose checksum is wrong, and what cannot be unpacked.

    A file of several members (bgzip, or packed files put together) is read on behind damage, from the next whole line;
    numbers then count what was read.
    """
    name, number, line, too_long = shown(path), 0, bytearray(), False
    doubt: Exception | None = None
    cut, untold = False, 0
    try:
        for block in _blocks(path):
            if isinstance(block, bytes):
                content = block
            elif isinstance(block, Doubtful):
                content, doubt = block.content, block.error
            elif isinstance(block, Resumed):
                cut = not block.whole
                continue
            else:
                if untold:
                    yield number, _doubtful(f"{name}:{number}", f"{untold} further lines: {block.error}")
                number += 1
                detail = f"{block.error}; {block.size} bytes from byte {block.offset}"
                yield number, Unreadable(f"{name}:{number}", reason_of(block.error), detail)
                line, too_long, doubt, untold = bytearray(), False, None, 0
                continue
            *whole, rest = content.split(b"\n")
            for part in whole:
                number += 1
                if doubt is None and not cut:
                    yield number, _line(name, number, line + part, too_long, most)
                elif cut:
                    yield number, Unreadable(f"{name}:{number}", "cut_line", "it begins within what is damaged")
                elif number <= MOST_TOLD:
                    yield number, _doubtful(f"{name}:{number}", str(doubt))
                else:
                    untold += 1
                line, too_long, cut = bytearray(), False, False
            line += rest
            if len(line) > most:
                line, too_long = bytearray(), True
    except damage_errors() as error:
        yield number + 1, Unreadable(f"{name}:{number + 1}", reason_of(error), str(error))
        return
    if cut:
        yield number + 1, Unreadable(f"{name}:{number + 1}", "cut_line", "it begins within what is damaged")
    elif line or too_long:
        yield number + 1, _line(name, number + 1, line, too_long, most)


def _blocks(path: Path) -> Iterator[Piece]:
    if path.suffix in SUFFIXES:
        yield from pieces_of(path, path.suffix)
        return
    with path.open("rb", buffering=0) as file:
        while block := file.read(BLOCK):
            yield block


def _doubtful(locator: str, detail: str) -> Unreadable:
    return Unreadable(locator, "damaged_member", detail)


def _line(name: str, number: int, line: bytes | bytearray, too_long: bool, most: int) -> bytes | Unreadable:
    if too_long or len(line) > most:
        return Unreadable(f"{name}:{number}", "line_too_long", f"more than {most} bytes")
    return bytes(line).removesuffix(b"\r")


def decoded(content: bytes, locator: str) -> str | Unreadable:
    """The text, or what is wrong with it, with the offset of the first bad byte."""
    try:
        text = content.decode("utf-8-sig")
    except UnicodeDecodeError as error:
        return Unreadable(locator, "invalid_utf8", f"at byte {error.start}: {error.reason}")
    return Unreadable(locator, "nul_bytes", f"at character {text.index(chr(0))}") if "\0" in text else text


def text_lines_of(path: Path, most: int) -> Iterator[tuple[str, str | Unreadable]]:
    """Each line that is not blank, decoded, with its place (`mail.jsonl:17`); `empty_file` where there is no line."""
    name, number = shown(path), 0
    for number, line in lines_of(path, most):
        locator = f"{name}:{number}"
        text = line if isinstance(line, Unreadable) else decoded(line, locator)
        if isinstance(text, Unreadable) or text.strip():
            yield locator, text
    if number == 0:
        yield name, Unreadable(name, "empty_file")


def text_of(path: Path, most: int) -> str | Unreadable:
    """A file's content, decoded, or why it cannot be had."""
    content = read_whole(path, most)
    return content if isinstance(content, Unreadable) else decoded(content, shown(path))


def read_whole(path: Path, most: int) -> bytes | Unreadable:
    """A file's content, or why it cannot be had; never more than `most` bytes of it in memory."""
    try:
        content, damage = content_of(path, most + 1, path.suffix)
    except OSError as error:
        return Unreadable(shown(path), reason_of(error), str(error))
    if damage is not None:
        return Unreadable(shown(path), reason_of(damage), str(damage))
    if len(content) > most:
        return Unreadable(shown(path), "file_too_large", f"more than {most} bytes")
    return content if content else Unreadable(shown(path), "empty_file")
