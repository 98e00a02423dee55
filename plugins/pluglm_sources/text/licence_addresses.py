"""Addresses of licences to SPDX identifiers (https://spdx.org/licenses/)."""

from __future__ import annotations

import re

CREATIVE_COMMONS = re.compile(
    r"creativecommons\.org/(?:licenses/([a-z-]+)/(\d\.\d)(?:/(igo|[a-z]{2})\b)?|publicdomain/(zero|mark)/1\.0)",
    re.IGNORECASE,
)
ARXIV = re.compile(r"arxiv\.org/licenses/nonexclusive-distrib/(\d\.\d)", re.IGNORECASE)


def spdx(address: str) -> str | None:
    """The identifier of the licence whose address a text is or holds; None for one that is not known."""
    if match := ARXIV.search(address):
        return f"LicenseRef-arXiv-nonexclusive-distrib-{match[1]}"
    match = CREATIVE_COMMONS.search(address)
    if match is None:
        return None
    if match[4]:
        return "CC0-1.0" if match[4].lower() == "zero" else "CC-PDM-1.0"
    place = f"-{match[3].upper()}" if match[3] else ""
    return f"CC-{match[1].upper()}-{match[2]}{place}"
