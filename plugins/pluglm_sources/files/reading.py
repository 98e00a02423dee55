"""Lines and contents of local files, compressed or not, read in pieces so that no damage and no line is too large."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

from pluglm import Unreadable
from pluglm_sources.packed.compressed_text import Break, pieces_of
from pluglm_sources.packed.opening import BLOCK, damage_errors, open_unpacked, reason_of


def lines_of(path: Path, most: int) -> Iterator[tuple[int, bytes | Unreadable]]:
    """Each line with its number from 1, without its end. A line of more than `most` bytes is never held in memory; it
    becomes `Unreadable`, as does what cannot be unpacked.

    A file of several members (bgzip, or packed files put together) is read on behind damage, from the next whole line
    of the next member; numbers then count what was read.
    """
    number, line, too_long, lost = 0, bytearray(), False, False
    try:
        for block in _blocks(path):
            if isinstance(block, Break):
                number += 1
                detail = f"{block.error}; {block.size} bytes from byte {block.offset}"
                yield number, Unreadable(f"{path}:{number}", reason_of(block.error), detail)
                line, too_long, lost = bytearray(), False, True
                continue
            if lost:
                _, found, block = block.partition(b"\n")
                lost = not found
            *whole, rest = block.split(b"\n")
            for part in whole:
                number += 1
                yield number, _line(path, number, line + part, too_long, most)
                line, too_long = bytearray(), False
            line += rest
            if len(line) > most:
                line, too_long = bytearray(), True
    except damage_errors() as error:
        yield number + 1, Unreadable(f"{path}:{number + 1}", reason_of(error), str(error))
        return
    if line or too_long:
        yield number + 1, _line(path, number + 1, line, too_long, most)


def _blocks(path: Path) -> Iterator[bytes | Break]:
    if path.suffix in (".gz", ".zst"):
        yield from pieces_of(path, path.suffix)
        return
    with open_unpacked(path) as file:
        # Not read(), which would lose what came before the damage.
        while block := file.read1(BLOCK):
            yield block


def _line(path: Path, number: int, line: bytes | bytearray, too_long: bool, most: int) -> bytes | Unreadable:
    if too_long or len(line) > most:
        return Unreadable(f"{path}:{number}", "line_too_long", f"more than {most} bytes")
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
    number = 0
    for number, line in lines_of(path, most):
        locator = f"{path}:{number}"
        text = line if isinstance(line, Unreadable) else decoded(line, locator)
        if isinstance(text, Unreadable) or text.strip():
            yield locator, text
    if number == 0:
        yield str(path), Unreadable(str(path), "empty_file")


def text_of(path: Path, most: int) -> str | Unreadable:
    """A file's content, decoded, or why it cannot be had."""
    content = read_whole(path, most)
    return content if isinstance(content, Unreadable) else decoded(content, str(path))


def read_whole(path: Path, most: int) -> bytes | Unreadable:
    """A file's content, or why it cannot be had; never more than `most` bytes of it in memory."""
    try:
        with open_unpacked(path) as file:
            content = file.read(most + 1)
    except damage_errors() as error:
        return Unreadable(str(path), reason_of(error), str(error))
    if len(content) > most:
        return Unreadable(str(path), "file_too_large", f"more than {most} bytes")
    return content if content else Unreadable(str(path), "empty_file")
