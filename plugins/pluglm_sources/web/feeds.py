"""RSS and Atom feeds to articles."""

from __future__ import annotations

import calendar
import io
import re
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any

from pluglm_sources.text.dates import is_iso_date
from pluglm_sources.text.html import UnclosedTags, html_text, spdx_of

# What feedparser remarks on although all was read.
HARMLESS = ("CharacterEncodingOverride", "NonXMLContentType")
OPEN = re.compile(rb"<(?:\w+:)?(?:item|entry)[\s>]")
ROOT = re.compile(rb"<(rss|feed|(?:\w+:)?RDF)[\s>]")
AMPERSAND = re.compile(rb"&(?!#?\w{1,32};)")
# A longer one is not read again for each entry.
MOST_HEAD = 1 << 16
DAY, OFFSET = re.compile(r"\s*\d{4}-\d{2}-\d{2}|\s*\d{4}-\d{2}\b|\s*\d{5}"), re.compile(r"[+-](\d{2}):?\d{2}\s*$")
MOST_HOURS = 14
CLOSED = re.compile(rb"</(?:\w+:)?(?:item|entry)\s*>")


@dataclass(frozen=True, slots=True)
class Article:
    """One entry of a feed.

    Attributes:
        link: of its page, or "".
        id: as its feed gives it, or its link, or "".
        text: what the feed has of its text, or "".
        date: when it was published, or else changed; ISO 8601 UTC where it is one, else as its feed has it.
        byline: its authors, by commas, or "".
        licence: SPDX id or link of its licence, or else its feed's, or "".
        language: of the entry, or else its feed, or "".
        publication: title of the feed, or of what the feed took it from, or "".
    """

    link: str = ""
    id: str = ""
    title: str = ""
    text: str = ""
    date: str = ""
    byline: str = ""
    licence: str = ""
    language: str = ""
    publication: str = ""


def parse_feed(content: bytes, content_type: str = "", address: str = "") -> tuple[list[Article], dict[int, str]]:
    """The articles of a feed in its order; and what is wrong with its entries, by their number from 1, or with the feed
    as such, as number 0. A damaged feed is read entry by entry, so that damage costs the entries it hit.

    `address` is what relative links are relative to, `content_type` the header it came with. Nothing that the feed
    names is loaded, and its entities are not expanded.
    """
    # A declaration must be the first that stands in a file; many servers put blank lines before it.
    content = content.lstrip() if content[:1].isspace() else content
    feed, damage = _parsed(content, content_type, address)
    if damage:
        # The one damage that can be mended: an ampersand that begins no entity can only be meant as itself.
        content = AMPERSAND.sub(b"&amp;", content)
        feed, damage = _parsed(content, content_type, address)
    articles, wrong = list[Article](), dict[int, str]()
    if not damage:
        for number, entry in enumerate(feed.entries, start=1):
            _add(articles, wrong, number, entry, feed.feed)
        return articles, wrong
    for head_too in (True, False):
        articles, wrong = [], {}
        for number, piece in enumerate(_pieces(content, head_too), start=1):
            part, reason = _parsed(piece, content_type, address)
            if reason or len(part.entries) != 1:
                wrong[number] = reason or "not one entry"
            else:
                _add(articles, wrong, number, part.entries[0], part.feed)
        if articles:
            # Read only without its head: then that is damaged too.
            return articles, wrong if head_too and wrong else {0: damage, **wrong}
    return [], wrong or {0: damage}


def _parsed(content: bytes, content_type: str, address: str) -> tuple[Any, str]:
    import feedparser

    headers = {"content-type": content_type or "application/xml", "content-location": address}
    # A file object, because what is none may be taken for an address to fetch or a file to open.
    feed = feedparser.parse(io.BytesIO(content), response_headers=headers)
    error = feed.get("bozo_exception") if feed.get("bozo") else None
    if error is not None and type(error).__name__ not in HARMLESS:
        return feed, str(error) or type(error).__name__
    return feed, "" if feed.get("version") or feed.entries else "no feed"


def _pieces(content: bytes, head_too: bool) -> list[bytes]:
    """Feeds of one entry each, with the head of the whole, or only its first element."""
    starts = [found.start() for found in OPEN.finditer(content)]
    root = ROOT.search(content[: starts[0]]) if starts else None
    if root is None or starts[0] > MOST_HEAD:
        return []
    head, name = content[: starts[0]], root[1]
    if not head_too:
        head = head[: head.find(b">", root.start()) + 1] + (b"<channel>" if name == b"rss" else b"")
    tail = (b"</channel>" if name == b"rss" else b"") + b"</" + name + b">"
    parts = [content[start:end] for start, end in zip(starts, [*starts[1:], len(content)], strict=True)]
    # What follows the last entry is the end of the feed, where it has one.
    parts[-1] = parts[-1][: found.end()] if (found := CLOSED.search(parts[-1])) else parts[-1]
    return [head + part + tail for part in parts]


def _add(articles: list[Article], wrong: dict[int, str], number: int, entry: Any, feed: Any) -> None:
    try:
        articles.append(_article(entry, feed))
    except UnclosedTags as error:
        wrong[number] = str(error)


def _article(entry: Mapping[str, Any], feed: Mapping[str, Any]) -> Article:
    when = entry.get("published_parsed") or entry.get("updated_parsed")
    said = str(entry.get("published") or entry.get("updated") or "")
    names = [author.get("name", "") for author in entry.get("authors", [])] or [str(entry.get("author", ""))]
    detail = entry.get("title_detail", {})
    publication = (entry.get("source") or {}).get("title") or feed.get("title", "")
    return Article(
        link=str(entry.get("link", "")),
        id=str(entry.get("id") or entry.get("link", "")),
        title=" ".join(_plain(detail.get("value", ""), detail.get("type", "")).split()),
        text=_body(entry),
        date=_iso(when, said) or str(entry.get("published", "")),
        byline=", ".join(dict.fromkeys(" ".join(name.split()) for name in names if name and name.strip())),
        licence=_licence(entry) or _licence(feed),
        language=_language(entry, feed),
        publication=" ".join(str(publication).split()),
    )


def _body(entry: Mapping[str, Any]) -> str:
    parts = [*entry.get("content", []), entry.get("summary_detail") or {}]
    texts = [_plain(part.get("value", ""), part.get("type", "")) for part in parts]
    return max(texts, key=len)


def _plain(value: str, kind: str) -> str:
    if kind == "text/plain" or ("<" not in value and "&" not in value):
        return value.strip()
    return html_text(f"<!DOCTYPE html><body>{value}".encode("utf-8", errors="replace"), "utf-8", "plain")


def _iso(when: Any, said: str) -> str:
    # feedparser counts on where a month has no such day, and takes any number for an offset.
    day, offset = DAY.match(said), OFFSET.search(said)
    if not when or (day and not is_iso_date(day[0])) or (offset and int(offset[1]) > MOST_HOURS) or when[0] < 1:
        return ""
    try:
        return datetime.fromtimestamp(calendar.timegm(when), UTC).isoformat()
    except (ValueError, OverflowError, OSError):
        return ""


def _licence(part: Mapping[str, Any]) -> str:
    links = [link.get("href", "") for link in part.get("links", []) if link.get("rel") == "license"]
    return spdx_of(links[0]) if links else ""


def _language(entry: Mapping[str, Any], feed: Mapping[str, Any]) -> str:
    details = [part for part in (*entry.get("content", []), entry.get("summary_detail")) if part]
    told = [part.get("language") for part in details] + [feed.get("language")]
    return str(next(filter(None, told), ""))
