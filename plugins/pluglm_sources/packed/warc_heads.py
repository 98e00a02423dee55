"""Header lines of WARC and HTTP as their specifications allow them, in the one form that fastwarc reads.

Names are the same in upper and lower case, a value may go on in a line that begins with a blank, and lines may end with
a line feed alone.

Sources: https://iipc.github.io/warc-specifications/specifications/warc-format/warc-1.1/#named-fields;
https://www.rfc-editor.org/rfc/rfc9112#section-2.2
"""

from __future__ import annotations

import re

BLANK = re.compile(rb"\n\r?\n")
FOLD = re.compile(rb"[ \t]*\r?\n[ \t]+")
LINE_END = re.compile(rb"\r?\n")
# What fastwarc looks for by its exact letters.
NAMES = {b"warc-type": b"WARC-Type", b"content-type": b"Content-Type", b"content-length": b"Content-Length"}
HTTP = re.compile(rb"\nContent-Type:[ \t]*application/http\b", re.IGNORECASE)
USUAL_HTTP = b"\nContent-Type: application/http"


def parted(content: bytes) -> tuple[bytes, bytes]:
    """A header with the blank line behind it, and what follows."""
    end = BLANK.search(content)
    return (content[: end.end()], content[end.end() :]) if end else (content, b"")


def usual(content: bytes) -> tuple[bytes, bytes]:
    """A record of WARC in the usual form, and its block as it was."""
    head, block = parted(content)
    plain = b"\nWARC-Type:" in head and b"\nContent-Length:" in head and _is_plain(head)
    is_http = HTTP.search(head) is not None
    if plain and not (is_http and USUAL_HTTP not in head):
        new = head
    else:
        new = _tidied(head)
        is_http = HTTP.search(new) is not None
        new = HTTP.sub(USUAL_HTTP, new)
    answer, body = parted(block) if is_http else (b"", block)
    if is_http and not _is_plain(answer):
        body = _tidied(answer) + body
        new = re.sub(rb"\nContent-Length:[^\r\n]*", b"\nContent-Length: %d" % len(body), new)
        return new + body, block
    return (content if new is head else new + block), block


def payload_in(block: bytes) -> bytes:
    """What follows the header of an answer of HTTP."""
    return parted(block)[1]


def _is_plain(head: bytes) -> bool:
    ends = head.count(b"\r\n")
    return head.count(b"\n") == ends and b"\n " not in head and b"\n\t" not in head


def _tidied(head: bytes) -> bytes:
    first, *lines = LINE_END.split(FOLD.sub(b" ", head.rstrip(b"\r\n")))
    parts = (line.partition(b":") for line in lines)
    named = (
        NAMES.get(name.strip().lower(), name.strip()) + b": " + value.strip() for name, colon, value in parts if colon
    )
    return b"\r\n".join([first, *named]) + b"\r\n\r\n"
