"""Digests in the headers of WARC records, compared with what the records hold.

Source: https://iipc.github.io/warc-specifications/specifications/warc-format/warc-1.1/#warc-block-digest
"""

from __future__ import annotations

import base64
import hashlib
from collections.abc import Iterable
from typing import Any


class WrongDigest(Exception):
    """A record is not what was written, or nothing can tell; `reason` as a short code."""

    def __init__(self, reason: str, detail: str) -> None:
        super().__init__(detail)
        self.reason = reason


def check_digests(headers: Any, block: bytes, payloads: Iterable[bytes]) -> int:
    """Compare a record with the digests in its header; how many there are.

    `payloads`: its payload in each form that a crawler may have digested: as it was sent, or unpacked from its transfer
    or content encoding.

    Raises:
        WrongDigest: digest_mismatch; unknown_digest where the form or the algorithm is not known.
    """
    found = 0
    for name, contents in (("WARC-Block-Digest", [block]), ("WARC-Payload-Digest", payloads)):
        given = headers.get(name)
        # The parts of a record that was cut into segments have the digest of the whole.
        if not given or (name == "WARC-Payload-Digest" and headers.get("WARC-Segment-Number")):
            continue
        algorithm, _, value = given.strip().partition(":")
        algorithm = algorithm.strip().lower().replace("-", "")
        if algorithm not in hashlib.algorithms_guaranteed or algorithm.startswith("shake") or not value.strip():
            raise WrongDigest("unknown_digest", f"{name} {given[:100]}")
        if not any(_agrees(value.strip(), hashlib.new(algorithm, content).digest()) for content in contents):
            raise WrongDigest("digest_mismatch", f"{name} {given[:100]}")
        found += 1
    return found


def _agrees(value: str, digest: bytes) -> bool:
    bare = value.rstrip("=")
    if bare.upper() == base64.b32encode(digest).decode().rstrip("=") or bare.lower() == digest.hex():
        return True
    return bare.replace("-", "+").replace("_", "/") == base64.b64encode(digest).decode().rstrip("=")
