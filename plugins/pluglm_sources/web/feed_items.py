"""The articles that feeds and news sitemaps name, as items of a record."""

from __future__ import annotations

import re
from collections import deque
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import asdict, replace
from pathlib import Path
from urllib.parse import urlsplit

from pluglm import Dropped, Unreadable
from pluglm_sources.files.paths import shown
from pluglm_sources.files.reading import read_whole
from pluglm_sources.http.fetched import Fetched, FetchError
from pluglm_sources.web.article_facts import iso_date
from pluglm_sources.web.feeds import Article, parse_feed
from pluglm_sources.web.sitemaps import read_sitemap

PACKED = b"\x1f\x8b"
SITEMAP = re.compile(rb"<(?:\w+:)?(?:urlset|sitemapindex)[\s>]")
MOST_SITEMAPS = 50

Item = Fetched | Unreadable | Dropped


def in_files(paths: Iterable[Path], most_bytes: int, most: int) -> Iterator[Item]:
    """The articles of feeds in files, each with `article` and `place` (its number in the feed) in its `extra`."""
    for path in paths:
        further, items = _entries(Fetched(shown(path), "", path, 200, "", {}, ""), most_bytes, most)
        yield from items
        yield from (Unreadable(link, "not_fetched", f"{shown(path)} is an index of sitemaps") for link in further)


def in_feeds(
    urls: Iterable[str], get: Callable[[str], Item], say: Callable[[str], None], most_bytes: int, most: int
) -> Iterator[Item]:
    """The articles of feeds at addresses and of the sitemaps that those name, as `in_files`; `get` fetches."""
    waiting = deque(urls)
    asked, allowed = set[str](), len(waiting) + MOST_SITEMAPS
    while waiting and len(asked) < allowed:
        url = waiting.popleft()
        if url not in asked:
            asked.add(url)
            got = get(url)
            further, items = _entries(got, most_bytes, most) if isinstance(got, Fetched) else ((), [got])
            say(f"{url}: {got.reason}" if isinstance(got, Unreadable | Dropped) else f"{url}: {len(items)} articles")
            # An index speaks for its own host alone (https://www.sitemaps.org/protocol.html#location).
            waiting += [link for link in further if urlsplit(link).netloc == urlsplit(url).netloc]
            yield from items


def _entries(got: Fetched, most_bytes: int, most: int) -> tuple[Sequence[str], list[Item]]:
    """Further sitemaps that a feed names, and its articles, with what is wrong with it at the end."""
    further: Sequence[str] = ()
    content = read_whole(got.path, most_bytes)
    if isinstance(content, Unreadable):
        return (), [replace(content, locator=got.url)]
    if content.startswith(PACKED) or SITEMAP.search(content[:4096]):
        try:
            sitemap = read_sitemap(got.path)
        except FetchError as error:
            return (), [error.unreadable(got.url)]
        further, damage = sitemap.sitemaps, {0: sitemap.damage} if sitemap.damage else {}
        articles = [_listed(link, said) for link, said in sitemap.pages.items()]
    else:
        articles, damage = parse_feed(content, got.content_type, got.final_url)
    items: list[Item] = [
        replace(got, extra={"article": asdict(article), "place": number})
        for number, article in enumerate(articles[:most], start=1)
    ]
    items += [Dropped("article_limit")] * (len(articles) - len(items))
    for number, detail in damage.items():
        place, reason = (f"{got.url}#{number}", "damaged_entry") if number else (got.url, "damaged_feed")
        items.append(Unreadable(place, reason, detail))
    return further, items


def _listed(link: str, said: Mapping[str, str]) -> Article:
    return Article(
        link=link,
        id=link,
        title=said.get("title", ""),
        date=iso_date(said.get("publication_date") or said.get("lastmod") or ""),
        language=said.get("language", ""),
        publication=said.get("name", ""),
    )
