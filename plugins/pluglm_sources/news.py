"""News articles from feeds and news sitemaps."""

from __future__ import annotations

import hashlib
import os
from collections.abc import Callable, Iterable, Iterator
from dataclasses import replace
from itertools import chain
from pathlib import Path
from typing import Annotated, Any

from pydantic import BeforeValidator, Field, model_validator

from pluglm import Document, Dropped, Problem, Source, Unreadable
from pluglm_sources.files.local import path_problems
from pluglm_sources.files.paths import matches_of
from pluglm_sources.http.fetched import Fetched, FetchError
from pluglm_sources.http.recorded import Recorded
from pluglm_sources.text.html import Extractor, UnclosedTags, html_page
from pluglm_sources.web.addresses import tidy
from pluglm_sources.web.article_facts import article_facts
from pluglm_sources.web.feed_items import Item, in_feeds, in_files
from pluglm_sources.web.feeds import Article
from pluglm_sources.web.robots import Robots, header_directives, refusal

HTML = ("text/html", "application/xhtml+xml")
LEFT_OUT = ("robots_disallowed", "crawl_delay", "other_type")


class News(Recorded):
    """News articles from RSS and Atom feeds and from news sitemaps, by address or from files: text, date and byline.

    A document is the title and what the feed has of the text; with `full=true` the page of each article is fetched, as
    far as robots.txt and the page's own directives allow, and its main text taken. An article that several feeds have
    is taken once. What was fetched stays in the cache; `refresh=true` asks for what is new. Articles are protected by
    copyright unless their publisher says otherwise: see its terms.

    Source: https://www.rssboard.org/rss-specification, https://www.rfc-editor.org/rfc/rfc4287,
    https://developers.google.com/search/docs/crawling-indexing/sitemaps/news-sitemap
    """

    requires = {
        "urllib3": "pluglm[data]",
        "protego": "pluglm[data]",
        "feedparser": "pluglm[data]",
        "lxml": "pluglm[data]",
        "resiliparse": "pluglm[data]",
        "trafilatura": "pluglm[data]",
    }

    feeds: Annotated[tuple[str, ...], Field(description="Addresses of feeds and news sitemaps")] = ()
    paths: Annotated[
        tuple[str, ...],
        BeforeValidator(lambda value: (value,) if isinstance(value, str) else value),
        Field(description="Feeds and news sitemaps in files, as globs"),
    ] = ()
    full: Annotated[bool, Field(description="Fetch the page of each article, instead of what the feed has of it")] = (
        False
    )
    max_articles: Annotated[int, Field(ge=1, description="Articles of one feed or sitemap at most")] = 1000
    extractor: Annotated[
        Extractor,
        Field(description="auto: fast rules for main content, careful ones where they find nothing; plain: all text"),
    ] = "auto"
    delay: Annotated[float, Field(ge=0, description="Seconds between two requests to one host, at least")] = 1.0
    max_bytes: Annotated[int, Field(ge=1, description="Larger feeds and pages are quarantined, unpacked ones too")] = (
        10_000_000
    )

    @model_validator(mode="after")
    def _must_have_a_feed(self) -> News:
        if not self.feeds and not self.paths:
            raise ValueError("needs feeds (addresses) or paths (files)")
        wrong = [url for url in self.feeds if tidy(url) is None]
        if wrong:
            raise ValueError(f"feeds: {wrong[0]!r} is no address, such as https://example.org/feed.xml")
        return self

    @classmethod
    def example(cls, folder: Path) -> dict[str, Any]:
        """A feed of two articles in a file."""
        path = folder / "feed.xml"
        items = "".join(
            f"<item><title>Item {n}</title><link>https://example.org/{n}</link><pubDate>Mon, 0{n} Jan 2024 08:00:00 GMT"
            f"</pubDate><description>&lt;p&gt;What happened on day {n}.&lt;/p&gt;</description></item>"
            for n in (1, 2)
        )
        path.write_text(f'<rss version="2.0"><channel><title>Example</title>{items}</channel></rss>', encoding="utf-8")
        return {"paths": [str(path)]}

    def problems(self, run: Any) -> Iterator[Problem]:
        """A record that is not there, or a glob that matches no file."""
        yield from super().problems(run)
        for label, source in run.source.items():
            if source is self:
                yield from path_problems(label, self.paths)

    def files(self) -> list[Path]:
        """The feeds in files, sorted, each once."""
        return matches_of(self.paths).paths()

    def _local(self) -> Iterator[Item]:
        yield from matches_of(self.paths).left_out()
        yield from in_files(self.files(), self.max_bytes, self.max_articles)

    def fetch(self, store: Path, say: Callable[[str], None]) -> Source:
        """The source that reads what is in `store`; itself where files alone are read."""
        return super().fetch(store, say) if self.feeds or self.full else self

    def seed(self) -> str:
        """What is in the files, since other feeds name other articles."""
        readable = (path for path in self.files() if os.access(path, os.R_OK))
        return hashlib.sha256(b"".join(hashlib.sha256(path.read_bytes()).digest() for path in readable)).hexdigest()

    def inputs(self) -> Iterable[Path]:
        """The files, or the record and what it names."""
        return self.files() if self.record is None and not self.feeds and not self.full else super().inputs()

    def items(self) -> Iterator[Item]:
        """The record, or where files alone are read, what is in them."""
        return super().items() if self.record is not None or self.feeds or self.full else self._local()

    def gather(self, store: Path, say: Callable[[str], None]) -> Iterator[Item]:
        """Fetch feeds, and articles where they are wanted in full, into `store`."""
        client = self.client(store)
        robots = Robots(client)

        def get(url: str, types: tuple[str, ...] = ()) -> Item:
            try:
                robots.check(url)
                return client.get(url, types=types, allowed=robots.check)
            except FetchError as error:
                return Dropped(error.reason) if error.reason in LEFT_OUT else error.unreadable(url)

        def told(line: str) -> None:
            say(f"{self.name}: {line}")

        articles = in_feeds(self.feeds, get, told, self.max_bytes, self.max_articles)
        for item in chain(self._local(), articles):
            link = item.extra["article"]["link"] if isinstance(item, Fetched) else ""
            if not self.full or not isinstance(item, Fetched):
                yield item
            elif tidy(link) is None:
                yield Unreadable(item.url, "no_link", f"{item.extra['article']['title'][:80]!r} has no page")
            else:
                page = get(link, HTML)
                yield replace(page, extra={**item.extra, "page": True}) if isinstance(page, Fetched) else page

    def resolved(self, items: Iterable[Item]) -> Iterator[Item]:
        """Each article once, whichever feeds have it."""
        seen = set[str]()
        for item in items:
            if isinstance(item, Fetched):
                name = name_of(item)
                yield Dropped("duplicate_article") if name in seen else item
                seen.add(name)
            else:
                yield item

    def document(self, fetched: Fetched) -> Document | Unreadable | Dropped:
        """An article: its title, an empty line and its text."""
        article, address = Article(**fetched.extra["article"]), name_of(fetched)
        facts = {"title": article.title, "date": article.date, "byline": article.byline, "licence": article.licence}
        facts |= {"language": article.language, "publication": article.publication, "retrieved": fetched.retrieved}
        text = article.text
        if fetched.extra.get("page"):
            try:
                content = fetched.path.read_bytes()
                page = html_page(content, fetched.charset, self.extractor)
            except OSError as error:
                return Unreadable(address, "unreadable", str(error))
            except UnclosedTags as error:
                return Unreadable(address, error.reason, str(error))
            told = article_facts(content, fetched.charset)
            reason = refusal(page.robots | header_directives(fetched))
            if reason is not None:
                return Dropped(reason)
            text = page.text
            told |= {"title": page.title, "licence": page.licence, "language": page.language}
            # The page of an article says of its licence and language what its feed says of all of them.
            facts |= {key: told[key] for key in ("licence", "language") if told[key]}
            facts |= {key: value for key, value in told.items() if not facts.get(key)}
        if not text:
            return Dropped("no_text")
        metadata = {"locator": address, **{key: value for key, value in facts.items() if value}}
        return Document(with_title(facts["title"], text), id=address, metadata=metadata)


def name_of(fetched: Fetched) -> str:
    """The link of an article, or its id, or its place in the feed."""
    article = fetched.extra["article"]
    return tidy(article["link"]) or article["id"] or f"{fetched.url}#{fetched.extra['place']}"


def with_title(title: str, text: str) -> str:
    """The title above the text, unless the text begins with it."""
    return text if not title or text.startswith(title) else f"{title}\n\n{text}"
