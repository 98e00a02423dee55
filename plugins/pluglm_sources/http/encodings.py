"""What the transfer and content encodings of an HTTP answer pack, unpacked in bounds.

fastwarc undoes them too, but whole in memory before anything can be counted: a page of 1 kB that unpacks to gigabytes
would end the run.

Sources: https://www.rfc-editor.org/rfc/rfc9112#section-7.1; https://www.rfc-editor.org/rfc/rfc9110#section-8.4.1
"""

from __future__ import annotations

import re
import zlib
from collections.abc import Callable, Iterator

PIECE = 1 << 16
# Some servers put spaces behind the size; what follows a semicolon is for others.
CHUNK = re.compile(rb"[ \t]*([0-9a-fA-F]{1,15})[ \t]*(?:;[^\r\n]{0,4096})?\r\n")


class TooLarge(Exception):
    """More is packed than may be unpacked."""


def unchunked(content: bytes) -> bytes:
    """The chunks of a body put together, as far as they go.

    Raises:
        ValueError: it is not in chunks.
    """
    at, chunks = 0, list[bytes]()
    while (head := CHUNK.match(content, at)) and (size := int(head[1], 16)):
        at = head.end() + size
        if content[at : at + 2] not in (b"\r\n", b"\r", b""):
            break
        chunks.append(content[head.end() : at])
        at += 2
    if not chunks and not (head and int(head[1], 16) == 0):
        raise ValueError("no chunk")
    return b"".join(chunks)


def unpacked(content: bytes, encoding: str, most: int) -> bytes:
    """What a content encoding packs, as far as it is there: what breaks off is taken as far as it goes.

    Raises:
        TooLarge: that is more than `most` bytes.
        ValueError: it is not packed so, in a way that is not known, or damaged: its checksum is wrong, for example.
    """
    if encoding not in UNPACKERS:
        raise ValueError(f"no such encoding as {encoding[:40]!r}")
    pieces, size = list[bytes](), 0
    for piece in UNPACKERS[encoding](content):
        size += len(piece)
        if size > most:
            raise TooLarge(f"more than {most} bytes unpacked")
        pieces.append(piece)
    return b"".join(pieces)


def _of_gzip(content: bytes, window: int = 31) -> Iterator[bytes]:
    first = True
    # What follows a member and is none is passed over, as browsers do.
    while content and (first or content[:2] == b"\x1f\x8b"):
        member, first = zlib.decompressobj(window), False
        try:
            while not member.eof and (piece := member.decompress(content, PIECE)):
                yield piece
                content = member.unconsumed_tail
        except zlib.error as error:
            raise ValueError(str(error)) from None
        content = member.unused_data


def _of_deflate(content: bytes) -> Iterator[bytes]:
    # Some servers send deflate without zlib's header, whose low nibble is always 8.
    return _of_gzip(content, 47 if content[:2] == b"\x1f\x8b" or (content[:1] and content[0] & 15 == 8) else -15)


def _of_brotli(content: bytes) -> Iterator[bytes]:
    import brotli

    stream = brotli.Decompressor()
    try:
        while piece := stream.process(content, output_buffer_limit=PIECE):
            yield piece
            content = b""
    except brotli.error as error:
        raise ValueError(str(error)) from None


def _of_zstd(content: bytes) -> Iterator[bytes]:
    import zstandard

    try:
        with zstandard.ZstdDecompressor().stream_reader(content, read_across_frames=True) as stream:
            while piece := stream.read(PIECE):
                yield piece
    except zstandard.ZstdError as error:
        raise ValueError(str(error)) from None


UNPACKERS: dict[str, Callable[[bytes], Iterator[bytes]]] = {
    "gzip": _of_gzip,
    "x-gzip": _of_gzip,
    "deflate": _of_deflate,
    "br": _of_brotli,
    "zstd": _of_zstd,
}
