"""What the page of an article says of its date and its authors."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator
from datetime import UTC, datetime
from itertools import chain
from typing import Any

from pluglm_sources.text.html import decode_html

# By custom; https://ogp.me/#type_article, https://schema.org/Article and Dublin Core.
DATES = ("article:published_time", "og:article:published_time", "datepublished", "dc.date.issued", "dc.date", "date")
AUTHORS = ("author", "article:author", "dc.creator", "byl", "parsely-author", "sailthru.author")
KINDS = ("Article", "Posting")


def article_facts(content: bytes, charset: str | None) -> dict[str, str]:
    """`date` (ISO 8601, UTC where the page gives a zone) and `byline` of a page's own statements: schema.org's JSON
    first, then meta elements; only those that are there. Nothing is guessed from its text or address."""
    from lxml import etree, html

    try:
        root = html.document_fromstring(
            decode_html(content, charset).replace("\0", "").encode("utf-8", errors="replace"),
            parser=html.HTMLParser(encoding="utf-8"),
        )
    except etree.ParserError:
        return {}
    meta: dict[str, str] = {}
    for element in root.iter("meta"):
        name = (element.get("property") or element.get("name") or element.get("itemprop") or "").lower()
        meta.setdefault(name, (element.get("content") or "").strip())
    told = [
        part
        for script in root.iter("script")
        if (script.get("type") or "").strip().lower() == "application/ld+json"
        for part in _parts(_json(script.text or ""))
    ]
    dates = [str(part.get("datePublished", "")) for part in told] + [meta.get(name, "") for name in DATES]
    authors = [_names(part.get("author")) for part in told] + [meta.get(name, "") for name in AUTHORS]
    date = next(filter(None, map(iso_date, dates)), "")
    byline = next((name for name in authors if name and not re.match("https?://", name)), "")
    return {name: value for name, value in (("date", date), ("byline", " ".join(byline.split()))) if value}


def iso_date(text: str) -> str:
    """A date of ISO 8601 in one form: in UTC where it names a zone; "" where it is none."""
    try:
        when = datetime.fromisoformat(text.strip())
        if when.tzinfo is not None:
            return when.astimezone(UTC).isoformat()
    except (ValueError, OverflowError):
        return ""
    return when.isoformat() if re.search(r"\d[T ]\d", text) else when.date().isoformat()


def _json(text: str) -> Any:
    try:
        return json.loads(text)
    except (ValueError, RecursionError):
        return None


def _parts(value: Any) -> Iterator[dict[str, Any]]:
    """The articles among what a page tells of itself, at the top or in a graph there."""
    told = [part for part in _list(value) if isinstance(part, dict)]
    for part in chain(told, *(_list(part.get("@graph")) for part in told)):
        if isinstance(part, dict) and any(str(kind).endswith(KINDS) for kind in _list(part.get("@type"))):
            yield part


def _names(author: Any) -> str:
    found = [each.get("name") if isinstance(each, dict) else each for each in _list(author)]
    return ", ".join(name.strip() for name in found if isinstance(name, str) and name.strip())


def _list(value: Any) -> list[Any]:
    return value if isinstance(value, list) else [value]
