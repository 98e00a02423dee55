"""What a record of a WARC file holds: its payload as the server meant it, and what its headers say."""

from __future__ import annotations

import re
from contextlib import suppress
from datetime import UTC, datetime
from typing import Any

from pluglm_sources.http.encodings import TooLarge, unchunked, unpacked
from pluglm_sources.packed.warc_digests import WrongDigest, check_digests
from pluglm_sources.packed.warc_heads import payload_in, usual

LICENSED = re.compile(rb"""rel\s*=\s*["']?[\w ]*license""")


class PayloadError(Exception):
    """A payload cannot be had; `reason` as a short code."""

    def __init__(self, reason: str, detail: str) -> None:
        super().__init__(detail)
        self.reason = reason


def record_of(content: bytes) -> tuple[Any, bytes]:
    """The record of these bytes, as fastwarc has it, and its block as it was written.

    Raises:
        PayloadError: they are none.
    """
    from fastwarc.warc import WarcRecord

    try:
        content, block = usual(content)
        return WarcRecord.from_bytes(content), block
    except OSError as error:
        raise PayloadError("damaged_header", str(error)) from None


def check_record(record: Any, block: bytes, payload: bytes) -> int:
    """Compare a record, of whose block `payload` was taken, with the digests in its header; how many there are.

    Raises:
        PayloadError: it is not what was written, or a digest is of no known kind.
    """
    raw = payload_in(block) if record.http_headers is not None else block
    forms = [raw, payload]
    if record.http_headers is not None and "chunked" in _named(record, "Transfer-Encoding"):
        with suppress(ValueError):
            forms.append(unchunked(raw))
    try:
        return check_digests(record.headers, block, forms)
    except WrongDigest as error:
        raise PayloadError(error.reason, str(error)) from None


def payload_of(record: Any, most: int) -> bytes:
    """The payload of a record, of which nothing was read: of an HTTP answer what its transfer and content encodings
    pack.

    Archives often keep these headers when they have unpacked the payload; then it is taken as it is. What breaks off
    within an encoding is taken as far as it goes, as what was cut off when it was crawled is.

    Raises:
        PayloadError: it is larger than `most` bytes, or packed in a way that cannot be undone.
    """
    try:
        record.parse_http()
        payload: bytes = record.reader.read()
    except OSError as error:
        raise PayloadError("damaged_http_header", str(error)[:200]) from None
    if record.http_headers is None:
        return payload
    if "chunked" in _named(record, "Transfer-Encoding"):
        with suppress(ValueError):
            payload = unchunked(payload)
    # The last is the outermost, and those of the transfer are around those of the content.
    named = _named(record, "Content-Encoding") + _named(record, "Transfer-Encoding")
    for encoding in (name for name in reversed(named) if name not in ("", "chunked", "identity")):
        try:
            payload = unpacked(payload, encoding, most)
        except TooLarge as error:
            raise PayloadError("record_too_large", str(error)) from None
        except ValueError as error:
            if is_text(payload):
                # Archives often keep the header when they have unpacked the payload.
                break
            raise PayloadError("undecodable_payload", str(error)[:200]) from None
    if len(payload) > most:
        raise PayloadError("record_too_large", f"more than {most} bytes")
    return payload


def _named(record: Any, header: str) -> list[str]:
    # A field that stands there several times is one list (RFC 9110, 5.2).
    said = ",".join(value for name, value in record.http_headers.items() if name.lower() == header.lower())
    return [name.strip().lower() for name in said.split(",")]


def is_text(payload: bytes) -> bool:
    """Whether bytes look like text of an encoding that holds ASCII, and not like packed data."""
    start = payload[:1000]
    controls = sum(byte < 32 and byte not in b"\t\n\f\r\x1b" for byte in start)
    return controls == 0 and bool(start)


def retrieved(date: str | None) -> str | None:
    """A WARC-Date as ISO 8601 in UTC, to the second; None where it is none."""
    try:
        moment = datetime.fromisoformat(date or "")
        return moment.astimezone(UTC).isoformat(timespec="seconds") if moment.tzinfo else None
    except (ValueError, OverflowError):
        return None


def status_of(record: Any) -> int | None:
    """The HTTP status of a record whose payload was taken; None where it is no answer of HTTP.

    Raises:
        PayloadError: its HTTP header is none.
    """
    if record.http_headers is None:
        return None
    if record.http_headers.status_code is None:
        raise PayloadError("damaged_http_header", "no status")
    return int(record.http_headers.status_code)


def mime_type_of(record: Any) -> str:
    """What the crawler found a payload to be, or else what the server said: `text/html`."""
    said = record.http_content_type if record.http_headers is not None else record.headers.get("Content-Type")
    header: str = record.headers.get("WARC-Identified-Payload-Type") or said or ""
    return header.partition(";")[0].strip().lower()


def about(record: Any) -> dict[str, str | None]:
    """What the header of a record says of its payload: where it is from and when it was taken, its language, and why
    it was cut short."""
    headers = record.headers
    return {
        "url": (headers.get("WARC-Target-URI") or "").strip("<>"),
        "retrieved": retrieved(headers.get("WARC-Date")),
        "language": headers.get("WARC-Identified-Content-Language"),
        "truncated": headers.get("WARC-Truncated"),
    }


def names_licence(page: bytes) -> bool:
    """Whether a page seems to link to its licence."""
    return b"license" in page and LICENSED.search(page) is not None
