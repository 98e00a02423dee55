"""A crawl: from page to page by links and sitemaps, near ones first, within what site and user allow."""

from __future__ import annotations

from collections import deque
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass, field, replace
from urllib.parse import urlsplit

from pluglm import Dropped, Unreadable
from pluglm_sources.http.client import Client
from pluglm_sources.http.fetched import Fetched, FetchError
from pluglm_sources.text.html import html_page
from pluglm_sources.web.addresses import Scope, Traps, named_type, tidy
from pluglm_sources.web.robots import Robots, follows, header_directives, refusal
from pluglm_sources.web.sitemaps import read_sitemap

HTML = ("text/html", "application/xhtml+xml")
# Left out on purpose; whatever else keeps a page from coming is damage.
LEFT_OUT = ("robots_disallowed", "crawl_delay", "other_type", "left_site", "not_wanted")
MOST_SITEMAPS = 200


@dataclass(slots=True)
class Crawl:
    """One crawl, in breadth: every page at most once, in an order that depends on the sites alone. Hosts take turns, so
    that the delay of one is not spent waiting."""

    client: Client
    scope: Scope
    traps: Traps
    say: Callable[[str], None]
    max_pages: int
    max_depth: int
    types: tuple[str, ...]
    sitemaps: bool
    _seen: set[str] = field(default_factory=set)
    _waiting: dict[str, deque[tuple[str, int]]] = field(default_factory=dict)

    def run(self) -> Iterator[Fetched | Unreadable | Dropped]:
        """The pages in the order in which they were visited, each with `depth`, `address` (the one spelling of
        where it was found), `canonical` and `refusal` (why it must not become a document) in its `extra`; what failed;
        and what was left out."""
        robots, pages = Robots(self.client), 0
        yield from self._found(self.scope.start, "", 0)
        if self.sitemaps:
            for site in dict.fromkeys(f"{urlsplit(url)[0]}://{urlsplit(url)[1]}" for url in self.scope.start):
                yield from self._sitemaps(site, robots)
        while self._waiting:
            url, depth = self._next()
            if pages >= self.max_pages:
                yield Dropped("page_limit")
                continue
            try:
                robots.check(url)
                page = self.client.get(url, types=self.types, allowed=lambda target: self._may_follow(target, robots))
            except FetchError as error:
                yield Dropped(error.reason) if error.reason in LEFT_OUT else error.unreadable(url)
                continue
            pages += 1
            if pages % 100 == 0:
                self.say(f"{pages} pages, {sum(map(len, self._waiting.values()))} waiting")
            yield from self._visited(page, depth)

    def _next(self) -> tuple[str, int]:
        host = next(iter(self._waiting))
        queue = self._waiting.pop(host)
        found = queue.popleft()
        if queue:
            self._waiting[host] = queue
        return found

    def _may_follow(self, target: str, robots: Robots) -> None:
        if not self.scope.reaches(target):
            raise FetchError("left_site", f"led to {target}")
        if not self.scope.wants(target):
            raise FetchError("not_wanted", f"led to {target}")
        robots.check(target)

    def _visited(self, page: Fetched, depth: int) -> Iterator[Fetched | Dropped]:
        address = base = tidy(page.final_url) or page.final_url
        directives, canonical = set(header_directives(page)), ""
        self._seen.add(address)
        links: Iterable[str] = ()
        if page.media_type in HTML or not page.media_type:
            head = html_page(page.path.read_bytes(), page.charset, extractor=None)
            directives |= head.robots
            base = tidy(head.base, base) or base
            canonical = tidy(head.canonical, base) or "" if head.canonical else ""
            # Only on its own host: anyone can claim to be a copy of someone else's page, or its original.
            canonical = canonical if urlsplit(canonical)[1] == urlsplit(address)[1] else ""
            links = [canonical, *head.links] if canonical else head.links
        told = {"depth": depth, "address": address, "canonical": canonical, "refusal": refusal(directives)}
        yield replace(page, extra=told)
        if follows(directives):
            yield from self._found(links, base, depth + 1)

    def _found(self, links: Iterable[str], base: str, depth: int) -> Iterator[Dropped]:
        for link in links:
            url = tidy(link, base)
            if url is None or url in self._seen or not self.scope.reaches(url):
                continue
            self._seen.add(url)
            promised = named_type(url)
            if not self.scope.wants(url):
                reason: str | None = "not_wanted"
            elif promised and promised not in self.types:
                reason = "other_type"
            else:
                reason = "depth_limit" if depth > self.max_depth else self.traps.caught(url)
            if reason is None:
                self._waiting.setdefault(urlsplit(url).netloc, deque()).append((url, depth))
            else:
                yield Dropped(reason)

    def _sitemaps(self, site: str, robots: Robots) -> Iterator[Unreadable | Dropped]:
        named = robots.sitemaps(f"{site}/")
        waiting, asked = deque(named or [f"{site}/sitemap.xml"]), set[str]()
        while waiting and len(asked) < MOST_SITEMAPS:
            url = tidy(waiting.popleft(), site)
            if url is None or url in asked:
                continue
            asked.add(url)
            try:
                robots.check(url)
                found = read_sitemap(self.client.get(url).path)
            except FetchError as error:
                # Where none was named, nothing says that there is one; some servers have a page for every address.
                if named or not error.reason.startswith(("http_4", "damaged_sitemap")):
                    yield Dropped(error.reason) if error.reason in LEFT_OUT else error.unreadable(url)
                continue
            if found.damage:
                yield Unreadable(url, "damaged_sitemap", found.damage)
            # An index speaks for its own host alone (https://www.sitemaps.org/protocol.html#location).
            waiting += [link for link in found.sitemaps if urlsplit(link).netloc == urlsplit(url).netloc]
            yield from self._found(found.pages, url, 1)
