"""Pages of web sites, crawled politely."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Iterator
from pathlib import Path
from typing import Annotated, Any

from pydantic import Field, field_validator

from pluglm import Document, Dropped, Unreadable
from pluglm_sources.http.fetched import Fetched, write_record
from pluglm_sources.http.recorded import Recorded
from pluglm_sources.text.html import Extractor, UnclosedTags, decode_html, html_page
from pluglm_sources.web.addresses import Reach, tidy

TEXT = "text/plain"


class WebScrape(Recorded):
    """Pages of web sites, crawled politely: by the rules of robots.txt (RFC 9309), one request at a time, from the
    start pages and sitemaps along links, as far as depth, number and scope allow.

    What was fetched stays in the cache: a run that was stopped goes on there, a later one asks again only with
    `refresh=true`, and then only for what changed. Pages that do not want to be indexed or used for training (noindex,
    noai, tdm-reservation) are left out and counted, as are copies of a page under other addresses. Whether you may use
    what you fetch is for you to know: see the terms of the site.

    Source: https://www.rfc-editor.org/rfc/rfc9309, https://www.sitemaps.org/protocol.html
    """

    requires = {
        "urllib3": "pluglm[data]",
        "protego": "pluglm[data]",
        "lxml": "pluglm[data]",
        "resiliparse": "pluglm[data]",
        "trafilatura": "pluglm[data]",
    }

    start: Annotated[tuple[str, ...], Field(min_length=1, description="Addresses of the pages where a crawl begins")]
    scope: Annotated[
        Reach, Field(description="Follow links below the folder of a start page, on its host, its domain, or to any")
    ] = "host"
    include: Annotated[tuple[str, ...], Field(description="Only addresses that match one of these; empty for all")] = ()
    exclude: Annotated[tuple[str, ...], Field(description="No addresses that match one of these")] = ()
    max_pages: Annotated[int, Field(ge=1, description="Pages at most")] = 1000
    max_depth: Annotated[int, Field(ge=0, description="Links from a start page at most")] = 10
    max_queries: Annotated[int, Field(ge=0, description="Different queries (?a=b) of one path at most")] = 50
    max_alike: Annotated[int, Field(ge=1, description="Addresses at most that differ only in their numbers")] = 1000
    sitemaps: Annotated[bool, Field(description="Also begin with what sitemaps list")] = True
    types: Annotated[tuple[str, ...], Field(min_length=1, description="Media types that are taken")] = (
        "text/html",
        "application/xhtml+xml",
        TEXT,
    )
    extractor: Annotated[
        Extractor,
        Field(description="auto: fast rules for main content, careful ones where they find nothing; plain: all text"),
    ] = "auto"
    delay: Annotated[float, Field(ge=0, description="Seconds between two requests to one host, at least")] = 1.0
    max_bytes: Annotated[int, Field(ge=1, description="Larger pages are quarantined, unpacked ones too")] = 10_000_000

    @field_validator("start")
    @classmethod
    def _must_be_addresses(cls, start: tuple[str, ...]) -> tuple[str, ...]:
        for url in start:
            if tidy(url) is None:
                raise ValueError(f"{url!r} is no address of a page, such as https://example.org/")
        return start

    @field_validator("include", "exclude")
    @classmethod
    def _must_compile(cls, patterns: tuple[str, ...]) -> tuple[str, ...]:
        for pattern in patterns:
            try:
                re.compile(pattern)
            except re.error as error:
                raise ValueError(f"{pattern!r} is no regular expression: {error}") from None
        return patterns

    @classmethod
    def example(cls, folder: Path) -> dict[str, Any]:
        """A crawl of two pages, as it was recorded."""
        pages = []
        for name in ("one", "two"):
            path, url = folder / f"{name}.html", f"https://example.org/{name}"
            path.write_text(f"<title>{name}</title><main><p>This is page {name} of the example.</p></main>")
            extra = {"depth": 0, "address": url, "canonical": "", "refusal": None}
            pages.append(Fetched(url, url, path, 200, "text/html", {}, "2024-01-01T00:00:00+00:00", extra))
        record = write_record(folder / "records" / "example.jsonl", pages)
        return {"start": ["https://example.org/one"], "record": str(record)}

    def gather(self, store: Path, say: Callable[[str], None]) -> Iterator[Fetched | Unreadable | Dropped]:
        """Crawl into `store`."""
        from pluglm_sources.web.addresses import Scope, Traps
        from pluglm_sources.web.crawl import Crawl

        start = tuple(tidy(url) or url for url in self.start)
        if not self.contact:
            say(f"{self.name}: servers are not told who you are; source.{self.name}.contact= is for that")
        return Crawl(
            client=self.client(store),
            scope=Scope(start, self.scope, self.include, self.exclude),
            traps=Traps(self.max_queries, self.max_alike),
            say=lambda line: say(f"{self.name}: {line}"),
            max_pages=self.max_pages,
            max_depth=self.max_depth,
            types=self.types,
            sitemaps=self.sitemaps,
        ).run()

    def resolved(self, items: Iterable[Fetched | Unreadable | Dropped]) -> Iterator[Fetched | Unreadable | Dropped]:
        """Each page once: not where it was reached by another address, and not where its canonical page is there."""
        everything, seen = list(items), set[str]()
        pages = {item.extra["address"]: item for item in everything if isinstance(item, Fetched)}
        for item in everything:
            if isinstance(item, Fetched):
                address, reason = item.extra["address"], item.extra["refusal"]
                if reason is None and address in seen:
                    reason = "duplicate_page"
                elif reason is None and canonical_of(address, pages) != address:
                    reason = "not_canonical"
                seen.add(address)
                yield Dropped(reason) if reason else item
            else:
                yield item

    def document(self, fetched: Fetched) -> Document | Unreadable | Dropped:
        """The text of a page."""
        address = fetched.extra["address"]
        try:
            content = fetched.path.read_bytes()
        except OSError as error:
            return Unreadable(address, "unreadable", str(error))
        metadata = {"locator": address, "retrieved": fetched.retrieved}
        if "content-language" in fetched.headers:
            metadata["language"] = fetched.headers["content-language"]
        if fetched.media_type == TEXT:
            text = decode_html(content, fetched.charset).strip()
        else:
            try:
                page = html_page(content, fetched.charset, self.extractor)
            except UnclosedTags as error:
                return Unreadable(address, error.reason, str(error))
            text = page.text
            said = {"title": page.title, "licence": page.licence, "language": page.language}
            metadata |= {name: value for name, value in said.items() if value}
        return Document(text, id=address, metadata=metadata) if text else Dropped("no_text")


def canonical_of(url: str, pages: dict[str, Fetched]) -> str:
    """Where canonical links lead from a page to one that was fetched; of a circle, the first page that was visited.

    A page that must not become a document stands for no other.
    """
    chain = [url]
    while (link := pages[chain[-1]].extra["canonical"]) in pages and pages[link].extra["refusal"] is None:
        if link in chain:
            circle = set(chain[chain.index(link) :])
            return next(page for page in pages if page in circle)
        chain.append(link)
    return chain[-1]
