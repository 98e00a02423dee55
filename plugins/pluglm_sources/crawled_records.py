"""What a record of a WARC file holds: its payload as the server meant it, and what its headers say."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Any

PIECE = 1 << 16


class PayloadError(Exception):
    """A payload cannot be had; `reason` as a short code."""

    def __init__(self, reason: str, detail: str) -> None:
        super().__init__(detail)
        self.reason = reason


def record_of(content: bytes) -> Any:
    """The record of these bytes, as fastwarc has it.

    Raises:
        PayloadError: they are none.
    """
    from fastwarc.warc import WarcRecord

    try:
        return WarcRecord.from_bytes(content)
    except OSError as error:
        raise PayloadError("damaged_header", str(error)) from None


def check_digest(record: Any) -> None:
    """Compare a record, of which nothing was read, with the digest in its header, if that has one.

    Raises:
        PayloadError: it is not what was written.
    """
    given = record.headers.get("WARC-Block-Digest")
    if given and not record.verify_block_digest():
        raise PayloadError("digest_mismatch", f"WARC-Block-Digest {given[:100]}")


def payload_of(record: Any, content: bytes, most: int) -> tuple[Any, bytes]:
    """(record with its HTTP headers, payload): of an HTTP answer what its transfer and content encodings pack.

    Archives often keep these headers when they have unpacked the payload; then it is taken as it is. What breaks off
    within an encoding is taken as far as it goes, as what was cut off when it was crawled is.

    Raises:
        PayloadError: it is larger than `most` bytes, or packed in a way that cannot be undone.
    """
    try:
        record.parse_http(auto_decode="all")
        return record, _read(record, most)
    except OSError as error:
        detail = str(error)[:200]
    record = record_of(content)
    try:
        record.parse_http()
        payload = _read(record, most)
    except OSError as error:
        raise PayloadError("damaged_http_header", str(error)[:200]) from None
    if not is_text(payload):
        raise PayloadError("undecodable_payload", detail)
    return record, payload


def _read(record: Any, most: int) -> bytes:
    pieces, size = list[bytes](), 0
    while True:
        try:
            piece = record.reader.read(PIECE)
        except OSError:
            if not size:
                raise
            piece = b""
        if not piece:
            return b"".join(pieces)
        pieces.append(piece)
        size += len(piece)
        if size > most:
            raise PayloadError("record_too_large", f"more than {most} bytes unpacked")


def is_text(payload: bytes) -> bool:
    """Whether bytes look like text of an encoding that holds ASCII, and not like packed data."""
    start = payload[:1000]
    controls = sum(byte < 32 and byte not in b"\t\n\f\r\x1b" for byte in start)
    return controls == 0 and bool(start)


def retrieved(date: str | None) -> str | None:
    """A WARC-Date as ISO 8601 in UTC, to the second; None where it is none."""
    try:
        moment = datetime.fromisoformat(date or "")
    except ValueError:
        return None
    return moment.astimezone(UTC).isoformat(timespec="seconds") if moment.tzinfo else None
