"""Local files by glob, compressed or not, read in pieces so that no damage and no line is too large."""

from __future__ import annotations

import bz2
import glob
import gzip
import io
import zlib
from collections.abc import Iterable, Iterator, Sequence
from pathlib import Path
from typing import Annotated, Any

import xxhash
from pydantic import BeforeValidator, Field

from pluglm import Problem, Source, Unreadable
from pluglm_sources.packed_text import Break, pieces_of

BLOCK = 1 << 20
# What a process reads at a time: about so many bytes, and so many files where they are small.
GROUP_BYTES, GROUP_FILES = 16_000_000, 64
# A block of zstandard can unpack to 128 KiB from 4 bytes: what is unpacked at once stays within 128 MiB.
PACKED = 1 << 12

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


class ZstdFrames(io.RawIOBase):
    """The content of a .zst file of any number of frames. Where one breaks off it raises EOFError, as gzip does;
    zstandard's own reader takes that for the end of the file."""

    def __init__(self, path: Path) -> None:
        self._file = path.open("rb")
        self._frame: Any = None
        self._packed, self._ready = b"", memoryview(b"")

    def readable(self) -> bool:
        return True

    def close(self) -> None:
        self._file.close()
        super().close()

    def readinto(self, buffer: Any) -> int:
        import zstandard

        while not self._ready:
            packed = self._packed or self._file.read(PACKED)
            if not packed:
                if self._frame is not None:
                    raise EOFError("Compressed file ended before the end of a frame")
                return 0
            if self._frame is None:
                self._frame = zstandard.ZstdDecompressor().decompressobj()
            self._ready, self._packed = memoryview(self._frame.decompress(packed)), b""
            if self._frame.eof:
                self._packed, self._frame = self._frame.unused_data, None
        size = min(len(buffer), len(self._ready))
        buffer[:size], self._ready = self._ready[:size], self._ready[size:]
        return size


def open_unpacked(path: Path) -> io.BufferedIOBase:
    """The file's bytes, unpacked as its name says.

    Raises:
        OSError: where it cannot be opened.
    """
    if path.suffix == ".gz":
        return gzip.GzipFile(path, "rb")
    if path.suffix == ".bz2":
        return bz2.BZ2File(path, "rb")
    if path.suffix == ".zst":
        return io.BufferedReader(ZstdFrames(path), BLOCK)
    return path.open("rb")


def damage_errors() -> tuple[type[Exception], ...]:
    """What the unpackers raise on damaged or truncated data, and the system on files it cannot read."""
    import zstandard

    return (OSError, EOFError, zlib.error, zstandard.ZstdError)


def reason_of(error: Exception) -> str:
    """A short code: the system refused, or the data is damaged."""
    return "unreadable" if isinstance(error, OSError) and error.errno is not None else "truncated_or_damaged"


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
