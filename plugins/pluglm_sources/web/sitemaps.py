"""Sitemaps of the web, also packed, as text, as indexes, and with news."""

from __future__ import annotations

import io
import re
import zlib
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from pluglm_sources.http.fetched import FetchError

# https://www.sitemaps.org/protocol.html: 50 MB unpacked and 50,000 addresses.
MOST_BYTES, MOST_LINKS = 52_428_800, 50_000


@dataclass(frozen=True, slots=True)
class Sitemap:
    """What one sitemap lists.

    Attributes:
        sitemaps: addresses of further sitemaps (of an index).
        pages: addresses of pages, each with what is said of it: `lastmod`, and of news `title`, `publication_date`,
            `name` and `language` of the publication.
        damage: what is wrong with it, or "".
    """

    sitemaps: tuple[str, ...] = ()
    pages: Mapping[str, Mapping[str, str]] = field(default_factory=dict)
    damage: str = ""


def read_sitemap(path: Path) -> Sitemap:
    """The sitemap in a file, packed or not. Of a damaged one, what can be read.

    Raises:
        FetchError: decompression_bomb, too_large, damaged_sitemap where nothing of it can be read.
    """
    with path.open("rb") as file:
        content = file.read(MOST_BYTES + 1)
    if content.startswith(b"\x1f\x8b"):
        content = _unpacked(content)
    if len(content) > MOST_BYTES:
        raise FetchError("too_large", f"a sitemap of more than {MOST_BYTES} bytes")
    found = parse_sitemap(content)
    if found.damage and not found.pages and not found.sitemaps:
        raise FetchError("damaged_sitemap", found.damage)
    return found


def parse_sitemap(content: bytes) -> Sitemap:
    """The sitemap in XML or, one address a line, in plain text. Entities are not expanded, nothing else is loaded."""
    if not content.lstrip(b"\xef\xbb\xbf \t\r\n").startswith(b"<"):
        lines = content.decode("utf-8-sig", errors="replace").split()
        links = [line for line in lines if re.match("https?://", line)][:MOST_LINKS]
        return Sitemap(
            pages={link: {} for link in links}, damage="" if links else "neither XML nor a list of addresses"
        )
    from lxml import etree

    sitemaps, pages, count = list[str](), dict[str, Mapping[str, str]](), 0
    safe: dict[str, Any] = {"resolve_entities": False, "no_network": True, "load_dtd": False, "huge_tree": False}
    parser = etree.iterparse(io.BytesIO(content), events=("end",), recover=True, remove_comments=True, **safe)
    try:
        for _, element in parser:
            name = etree.QName(element).localname if isinstance(element.tag, str) else ""
            if name not in ("url", "sitemap"):
                continue
            said = {etree.QName(part).localname: " ".join((part.text or "").split()) for part in _leaves(element)}
            link = said.pop("loc", "")
            count += 1
            if count > MOST_LINKS:
                break
            if link and name == "url":
                pages[link] = said
            elif link:
                sitemaps.append(link)
            # Keeps memory flat: what was read is not needed again.
            element.clear()
        wrong = str(parser.error_log.last_error.message) if len(parser.error_log) else ""
    except etree.XMLSyntaxError as error:
        wrong = str(error)
    if not re.search(rb"</(?:\w+:)?(?:urlset|sitemapindex)\s*>\s*$", content):
        wrong = wrong or "breaks off"
        # The parser closes what was left open: the last address may be half of one.
        if pages and b"</" not in re.split(rb"<(?:\w+:)?loc>", content)[-1]:
            pages.popitem()
    if not wrong and not pages and not sitemaps and not re.search(rb"<(?:\w+:)?(?:urlset|sitemapindex)\b", content):
        wrong = "no sitemap"
    return Sitemap(tuple(sitemaps), pages, wrong)


def _leaves(element: Any) -> list[Any]:
    return [part for part in element.iter() if isinstance(part.tag, str) and len(part) == 0]


def _unpacked(content: bytes) -> bytes:
    member = zlib.decompressobj(31)
    try:
        text = member.decompress(content, MOST_BYTES + 1)
    except zlib.error as error:
        raise FetchError("damaged_sitemap", f"gzip: {error}") from None
    if len(text) > MOST_BYTES:
        raise FetchError("decompression_bomb", f"a sitemap of more than {MOST_BYTES} bytes unpacked")
    return text
