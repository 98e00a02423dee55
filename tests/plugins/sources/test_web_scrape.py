"""The crawler against a site that forbids, asks for patience, runs in circles and has no end."""

from __future__ import annotations

import gzip
import pickle
import time
from collections import Counter
from collections.abc import Callable
from itertools import chain
from pathlib import Path
from threading import Thread
from types import SimpleNamespace
from typing import Any

import pytest

from pluglm import DataError, Document, Dropped, Unreadable
from pluglm_sources.http.fetched import Fetched, FetchError
from pluglm_sources.http.recorded import SHARD, Recorded
from pluglm_sources.web.addresses import Scope, Traps, named_type, tidy
from pluglm_sources.web.crawl import Crawl
from pluglm_sources.web.robots import Robots, follows, header_directives, refusal
from pluglm_sources.web.sitemaps import parse_sitemap
from pluglm_sources.web_scrape import WebScrape


def page(words: str, *links: str, head: str = "") -> str:
    anchors = "".join(f'<li><a href="{link}">go</a></li>' for link in links)
    main = f"<main><p>{words} in so many words.</p></main><ul>{anchors}</ul>"
    return f"<html><head><title>{words}</title>{head}</head><body>{main}</body></html>"


def crawl(server: Any, folder: Path, *start: str, **values: Any) -> list[Any]:
    """What a run would read after fetching."""
    return list(fetched(server, folder, *start, **values).read())


def fetched(server: Any, folder: Path, *start: str, **values: Any) -> Any:
    quick = {"allow_private_hosts": True, "delay": 0, "backoff": 0, "retries": 1, "timeout": 5}
    source = WebScrape(start=[server.url + path for path in start or ("/",)], **{**quick, **values})
    return source.fetch(folder / "store", lambda line: None)


def titles(items: list[Any]) -> list[str]:
    return [item.metadata.get("title", item.id) for item in items if isinstance(item, Document)]


def reasons(items: list[Any]) -> Counter[str]:
    return Counter(item.reason for item in items if not isinstance(item, Document))


def test_a_site_is_read_in_breadth_and_then_without_the_network(server: Any, tmp_path: Path) -> None:
    server.add("/", page("Home", "/a", "b#part", "/a", "mailto:x@y", "javascript:void(0)", "http://other.test/"))
    server.add("/a", page("A", "/c/", "/"))
    server.add("/b", page("B", "c/./d/../"), headers={"Content-Language": "de"})
    server.add("/c/", page("C", "/end.txt"))
    server.add("/end.txt", "Grüße".encode("latin-1"), content_type="text/plain; charset=iso-8859-1")
    source = fetched(server, tmp_path)
    items = list(source.read())
    assert titles(items) == ["Home", "A", "B", "C", server.url + "/end.txt"]
    assert server.paths() == ["/robots.txt", "/sitemap.xml", "/", "/a", "/b", "/c/", "/end.txt"]
    assert items[1].id == items[1].metadata["locator"] == server.url + "/a"
    assert items[1].text == "A in so many words." and items[1].metadata["retrieved"].endswith("+00:00")
    assert items[4].text == "Grüße"
    assert [item.metadata.get("language") for item in items[:3]] == [None, None, "de"]
    server.pages.clear()
    before = len(server.asked)
    assert list(source.read()) == items and list(fetched(server, tmp_path).read()) == items
    assert len(server.asked) == before
    assert all(path.exists() for path in source.inputs()) and len(list(source.inputs())) == 6


def test_what_robots_txt_disallows_is_not_asked_for(server: Any, tmp_path: Path) -> None:
    rules = """User-agent: *
Disallow: /
User-agent: PlugLM
Disallow: /private
Allow: /private/but-this
Disallow: /*.php$
Disallow: /exact$
Disallow: /%7Euser/
"""
    server.add("/robots.txt", rules, content_type="text/plain")
    paths = ["/private", "/private/x", "/private/but-this", "/a.php", "/a.php?x=1", "/exact", "/exact/more", "/~user/x"]
    server.add("/", page("Home", *paths))
    for path in paths:
        server.add(path.partition("?")[0], page(path))
    items = crawl(server, tmp_path)
    assert titles(items) == ["Home", "/private/but-this", "/a.php?x=1", "/exact/more"]
    assert reasons(items) == {"robots_disallowed": 5}
    asked = {"/private", "/private/x", "/a.php", "/exact", "/~user/x"} & set(server.paths())
    assert asked == set()


# RFC 9309, 5.1 and 5.2, with this robot in the place of each of theirs.
SIMPLE = """User-Agent: *
Disallow: *.gif$
Disallow: /example/
Allow: /publications/

User-Agent: foobot
Disallow:/
Allow:/example/page.html
Allow:/example/allowed.gif

User-Agent: barbot
User-Agent: bazbot
Disallow: /example/page.html

User-Agent: quxbot
"""
LONGEST = "User-Agent: foobot\nAllow: /example/page/\nDisallow: /example/page/disallowed.gif\n"
PAGES = ["/", "/example/page.html", "/example/allowed.gif", "/example/other", "/publications/x", "/pictures/x.gif"]


@pytest.mark.parametrize(
    ("rules", "robot", "paths", "allowed"),
    [
        (SIMPLE, "foobot", PAGES, ["/example/page.html", "/example/allowed.gif"]),
        (SIMPLE, "barbot", PAGES, [path for path in PAGES if path != "/example/page.html"]),
        (SIMPLE, "bazbot", PAGES, [path for path in PAGES if path != "/example/page.html"]),
        (SIMPLE, "quxbot", PAGES, PAGES),
        (SIMPLE, None, PAGES, ["/", "/publications/x"]),
        (LONGEST, "foobot", ["/example/page/a", "/example/page/disallowed.gif"], ["/example/page/a"]),
        # A name is the whole of it, and a version is not a part of it.
        ("User-agent: plug\nAllow: /\n\nUser-agent: *\nDisallow: /", None, ["/a"], []),
        ("User-agent: PLUGLM/1.0 # we\nDisallow: /a\n\nUser-agent: *\nDisallow: /", None, ["/a", "/b"], ["/b"]),
    ],
)
def test_the_examples_of_rfc_9309(
    server: Any, tmp_path: Path, rules: str, robot: str | None, paths: list[str], allowed: list[str]
) -> None:
    server.add("/robots.txt", rules.replace(robot, "pluglm") if robot else rules)
    robots = Robots(WebScrape(start=[server.url], allow_private_hosts=True, delay=0).client(tmp_path))

    def may(path: str) -> bool:
        try:
            robots.check(server.url + path)
        except FetchError as error:
            assert error.reason == "robots_disallowed"
            return False
        return True

    assert [path for path in paths if may(path)] == allowed
    assert server.paths() == ["/robots.txt"], "one for each site"


def test_hosts_take_turns(server: Any, tmp_path: Path) -> None:
    other = server.url.replace("127.0.0.1", "localhost")
    server.add("/", page("Home", *(f"/{n}" for n in range(3)), *(f"{other}/{n}" for n in range(10, 13))))
    for n in (0, 1, 2, 10, 11, 12):
        server.add(f"/{n}", page(str(n)))
    assert titles(crawl(server, tmp_path, scope="any")) == ["Home", "0", "10", "1", "11", "2", "12"]


@pytest.mark.parametrize(("status", "read"), [(404, True), (401, True), (403, True), (500, False), (503, False)])
def test_without_robots_txt_all_is_allowed_and_with_a_failing_server_nothing(
    server: Any, tmp_path: Path, status: int, read: bool
) -> None:
    server.add("/robots.txt", "User-agent: *\nDisallow: /", status=status)
    server.add("/", page("Home"))
    items = crawl(server, tmp_path, sitemaps=False)
    assert titles(items) == (["Home"] if read else [])
    assert reasons(items) == ({} if read else {"robots_unreachable": 1})
    server.add("/robots.txt", "")
    assert titles(crawl(server, tmp_path, sitemaps=False)) == ["Home"], "the next run asks again"


def test_robots_txt_may_be_elsewhere_huge_or_rubbish(server: Any, tmp_path: Path) -> None:
    server.add("/robots.txt", status=301, headers={"Location": "/rules"})
    filler = b"# nothing\n" * 60_000
    server.add("/rules", b"\xef\xbb\xbfUser-agent: *\nDisallow: /no\n\xff\xfe\x00\n" + filler + b"Disallow: /late\n")
    server.add("/", page("Home", "/no", "/late"))
    server.add("/late", page("Late"))
    assert titles(crawl(server, tmp_path)) == ["Home", "Late"], "what is past 500 KiB does not count (RFC 9309, 2.5)"


def test_the_delay_a_site_asks_for_is_kept(server: Any, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    slept: list[float] = []
    monkeypatch.setattr(time, "sleep", slept.append)
    server.add("/robots.txt", "User-agent: *\nCrawl-delay: 33\n")
    server.add("/", page("Home", "/a", "/b"))
    server.add("/a", page("A"))
    server.add("/b", page("B"))
    assert titles(crawl(server, tmp_path, sitemaps=False)) == ["Home", "A", "B"]
    # Nothing sleeps here in truth, so that each request waits for its own turn: 33 s more than the one before.
    assert [round(seconds / 33) for seconds in slept if seconds > 30] == [1, 2]


def test_a_site_that_asks_for_too_much_patience_is_left(server: Any, tmp_path: Path) -> None:
    server.add("/robots.txt", "User-agent: *\nCrawl-delay: 86400\n")
    assert reasons(crawl(server, tmp_path, sitemaps=False)) == {"crawl_delay": 1}


def test_directives_of_pages_and_headers(server: Any, tmp_path: Path) -> None:
    server.add("/", page("Home", "/noindex", "/nofollow", "/tagged", "/noai", "/reserved", "/for-others"))
    server.add("/noindex", page("Noindex", "/from-noindex", head='<meta name="robots" content="NOINDEX">'))
    server.add("/nofollow", page("Nofollow", "/never", head='<meta name="robots" content="nofollow">'))
    server.add("/tagged", page("Tagged"), headers={"X-Robots-Tag": "otherbot: nofollow, pluglm: noindex"})
    server.add("/noai", page("Noai", head='<meta name="robots" content="index, noai, noimageai">'))
    server.add("/reserved", page("Reserved"), headers={"TDM-Reservation": "1"})
    server.add("/for-others", page("For others"), headers={"X-Robots-Tag": "otherbot: noindex, noai"})
    server.add("/from-noindex", page("From noindex"))
    server.add("/never", page("Never"))
    items = crawl(server, tmp_path)
    assert titles(items) == ["Home", "Nofollow", "For others", "From noindex"]
    assert reasons(items) == {"noindex": 2, "noai": 2}
    assert "/never" not in server.paths()


@pytest.mark.parametrize(
    ("header", "found"),
    [
        ("noindex, nofollow", {"noindex", "nofollow"}),
        (
            "unavailable_after: 25 Jun 2030 15:00:00 PST, noindex",
            {"unavailable_after: 25 jun 2030 15:00:00 pst", "noindex"},
        ),
        ("otherbot: noindex, nofollow", set()),
        ("otherbot: noindex, *: noai", {"noai"}),
        ("", set()),
    ],
)
def test_headers_are_for_all_or_for_the_robot_they_name(header: str, found: set[str]) -> None:
    got = Fetched("", "", Path(), 200, "", {"x-robots-tag": header}, "")
    assert {part.partition(":")[0] for part in header_directives(got)} == {part.partition(":")[0] for part in found}


def test_directives_are_understood() -> None:
    assert [refusal({word}) for word in ("index", "none", "noindex", "noml", "noai")] == [
        None,
        "noindex",
        "noindex",
        "noai",
        "noai",
    ]
    assert [follows({word}) for word in ("follow", "none", "nofollow")] == [True, False, False]


def test_one_document_for_each_page_whatever_its_addresses(server: Any, tmp_path: Path) -> None:
    def canonical(link: str) -> str:
        return f'<link rel="canonical" href="{link}">'

    server.add("/", page("Home", "/print", "/old", "/new", "/x", "/gone", "/thief", "/veiled", "/?utm_source=mail"))
    server.add("/print", page("Print", head=canonical("/article")))
    server.add("/article", page("Article", head=canonical("/article")))
    server.add("/old", status=301, headers={"Location": "/new"})
    server.add("/new", page("New"))
    server.add("/x", page("X", head=canonical("/y")))
    server.add("/y", page("Y", head=canonical("/x")))
    server.add("/gone", page("Gone", head=canonical("/nowhere")))
    server.add("/thief", page("Thief", head=canonical("http://other.test/")))
    server.add("/veiled", page("Veiled", head=canonical("/hidden")))
    server.add("/hidden", page("Hidden", head='<meta name="robots" content="noindex">'))
    items = crawl(server, tmp_path)
    assert titles(items) == ["Home", "New", "X", "Gone", "Thief", "Veiled", "Article"]
    assert reasons(items) == {"not_canonical": 2, "duplicate_page": 1, "http_404": 1, "noindex": 1}
    assert len({item.id for item in items if isinstance(item, Document)}) == 7


def test_a_page_without_end_is_bounded(server: Any, tmp_path: Path) -> None:
    def calendar(path: str) -> Any:
        number = int("0" + path.rpartition("=")[2]) if "month=" in path else 0
        return kind(page(f"Month {number}", f"/calendar?month={number + 1}", f"/calendar?month={number + 2}").encode())

    server.add("/", page("Home", "/calendar", "/loop/", "/2024/01/", "/session;jsessionid=AB12?PHPSESSID=9"))
    kind = type(server.pages["/"])
    server.pages["/calendar"] = calendar
    server.pages["/session"] = kind(page("Session", "/session;jsessionid=CD34?phpsessid=10").encode())
    server.pages["*"] = lambda path: (
        kind(page(path, "loop/").encode())
        if "loop" in path
        else kind(page(path, f"/2024/{int(path.split('/')[2]) + 1:02}/").encode())
        if path.startswith("/2024/")
        else kind(b"none", status=404)
    )
    items = crawl(server, tmp_path, max_queries=5, max_alike=8, max_depth=50)
    found = titles(items)
    assert sum("Month" in title for title in found) == 6, "the calendar itself and five months"
    assert sum(title.startswith("/2024/") for title in found) == 8
    assert sum("loop" in title for title in found) == 3
    assert found.count("Session") == 1
    caught = reasons(items)
    assert {"trap_many_queries", "trap_many_alike", "trap_repeated_path"} <= set(caught)
    assert len(server.asked) < 60


@pytest.mark.parametrize(
    ("path", "reason"),
    [
        ("/" + "a" * 2000, "trap_long_address"),
        ("/" + "/".join(map(str, range(21))), "trap_deep_path"),
        ("/a/b/a/b/a/b/a", "trap_repeated_path"),
        ("/a/b/a/b", None),
        ("/a?x=1", None),
    ],
)
def test_addresses_that_pile_up(path: str, reason: str | None) -> None:
    assert Traps(5, 5).caught("https://example.org" + path) == reason


def test_depth_and_number_are_bounded_and_what_was_left_is_counted(server: Any, tmp_path: Path) -> None:
    server.pages["*"] = lambda path: (
        type(server.pages["/"])(page(path, path.rstrip("/") + "/x").encode()) if path.count("x") < 3 else None
    )
    server.add("/", page("Home", "/one", "/two", "/three", "/picture.png", "/archive.zip"))
    items = crawl(server, tmp_path, max_depth=1, max_pages=3)
    assert titles(items) == ["Home", "/one", "/two"]
    assert reasons(items) == {"other_type": 2, "depth_limit": 2, "page_limit": 1}
    assert "/picture.png" not in server.paths()


def test_patterns_and_scope(server: Any, tmp_path: Path) -> None:
    server.add("/docs/index.html", page("Docs", "a", "/docs/b", "/blog/", "c?print=1", "/elsewhere"))
    server.add("/docs/a", page("A"))
    server.add("/docs/b", page("B"))
    server.add("/elsewhere", page("Elsewhere"))
    items = crawl(server, tmp_path, "/docs/index.html", scope="path", exclude=["print="])
    assert titles(items) == ["Docs", "A", "B"] and reasons(items) == {"not_wanted": 1}
    items = crawl(server, tmp_path, "/docs/index.html", include=["/docs/index", "/elsewhere"])
    assert titles(items) == ["Docs", "Elsewhere"]


@pytest.mark.parametrize(
    ("reach", "inside"),
    [
        ("path", ["https://www.a.org/x/z"]),
        ("host", ["https://www.a.org/x/z", "https://a.org/q", "http://a.org/"]),
        ("domain", ["https://www.a.org/x/z", "https://a.org/q", "http://a.org/", "https://b.a.org/"]),
        ("any", ["https://www.a.org/x/z", "https://a.org/q", "http://a.org/", "https://b.a.org/", "https://aa.org/"]),
    ],
)
def test_how_far_links_are_followed(reach: Any, inside: list[str]) -> None:
    urls = ["https://www.a.org/x/z", "https://a.org/q", "http://a.org/", "https://b.a.org/", "https://aa.org/"]
    assert [url for url in urls if Scope(("https://a.org/x/y",), reach).reaches(url)] == inside


def test_a_redirect_does_not_leave_the_site_nor_climb_the_fence(server: Any, tmp_path: Path) -> None:
    server.add("/robots.txt", "User-agent: *\nDisallow: /secret")
    server.add("/", page("Home", "/out", "/in", "/circle"))
    server.add("/out", status=302, headers={"Location": server.url.replace("127.0.0.1", "localhost") + "/x"})
    server.add("/in", status=302, headers={"Location": "/secret"})
    server.add("/circle", status=302, headers={"Location": "/circle"})
    items = crawl(server, tmp_path)
    assert titles(items) == ["Home"]
    assert reasons(items) == {"left_site": 1, "robots_disallowed": 1, "redirect_loop": 1}
    assert not {"/x", "/secret"} & set(server.paths())


def test_private_hosts_are_not_crawled_unless_allowed(
    server: Any, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    server.add("/", page("Home"))
    items = crawl(server, tmp_path, allow_private_hosts=False, sitemaps=False)
    assert reasons(items) == {"private_host": 1} and server.asked == []
    # As if the server were one of the public internet that sends its visitors inside.
    monkeypatch.setattr("pluglm_sources.http.request.is_public", lambda address: address == "127.0.0.1")
    server.add("/", page("Home", "/meta", "http://169.254.169.254/"))
    server.add("/meta", status=302, headers={"Location": "http://169.254.169.254/latest/meta-data/"})
    items = crawl(server, tmp_path, allow_private_hosts=False, scope="any", sitemaps=False)
    assert titles(items) == ["Home"] and reasons(items) == {"private_host": 2}


def test_sitemaps_are_read_with_their_indexes_packed_or_plain(server: Any, tmp_path: Path) -> None:
    space = 'xmlns="http://www.sitemaps.org/schemas/sitemap/0.9"'

    def listing(*paths: str) -> str:
        rows = "".join(f"<url><loc> {server.url}{path} </loc><lastmod>2024-01-01</lastmod></url>" for path in paths)
        return f'<?xml version="1.0" encoding="UTF-8"?><urlset {space}>{rows}</urlset>'

    names = ("/sitemap-1.xml.gz", "/sitemap-2.txt", "/index.xml", "/broken.xml", "/bomb.xml.gz", "/absent.xml")
    rows = "".join(f"<sitemap><loc>{server.url}{name}</loc></sitemap>" for name in names)
    server.add(
        "/index.xml",
        f"<sitemapindex {space}>{rows}<sitemap><loc>http://169.254.1.1/s.xml</loc></sitemap></sitemapindex>",
    )
    server.add("/robots.txt", f"Sitemap: {server.url}/index.xml\nUser-agent: *\nDisallow: /no")
    server.add("/sitemap-1.xml.gz", gzip.compress(listing("/a", "/no").encode()), content_type="application/gzip")
    server.add("/sitemap-2.txt", f"{server.url}/b\n{server.url}/c\nhttp://other.test/\n", content_type="text/plain")
    server.add("/broken.xml", listing("/d", "/e")[:-50], content_type="text/xml")
    server.add("/bomb.xml.gz", gzip.compress(bytes(60_000_000)))
    for path in ("/", "/a", "/b", "/c", "/d", "/e"):
        server.add(path, page(path))
    items = crawl(server, tmp_path)
    assert titles(items) == ["/", "/a", "/b", "/c", "/d"], "the address of /e is not whole"
    assert reasons(items) == {"robots_disallowed": 1, "damaged_sitemap": 1, "decompression_bomb": 1, "http_404": 1}


def test_half_an_address_is_none() -> None:
    whole = b"<urlset><url><loc>http://a.org/1</loc></url><url><loc>http://a.org/23</loc></url></urlset>"
    assert list(parse_sitemap(whole).pages) == ["http://a.org/1", "http://a.org/23"]
    for end in range(whole.index(b"</loc></url></urlset>")):
        found = parse_sitemap(whole[:end])
        assert set(found.pages) <= {"http://a.org/1"} and (found.damage or end == 0)


@pytest.mark.parametrize(
    "content",
    [
        b'<!DOCTYPE a [<!ENTITY b "ha"><!ENTITY c "&b;&b;&b;&b;&b;&b;&b;&b;"><!ENTITY d "&c;&c;&c;&c;&c;&c;&c;&c;">'
        b'<!ENTITY e "&d;&d;&d;&d;&d;&d;&d;&d;"><!ENTITY f "&e;&e;&e;&e;&e;&e;&e;&e;">]>'
        b"<urlset><url><loc>&f;</loc></url></urlset>",
        b'<!DOCTYPE a [<!ENTITY x SYSTEM "file:///etc/passwd">]><urlset><url><loc>&x;</loc></url></urlset>',
        b"<urlset>" + b"<a>" * 100_000,
        b"<html><body>Not found, but 200</body></html>",
        b"\x00\x01\x02",
        b"",
        b"<",
    ],
)
def test_sitemaps_made_to_do_harm(content: bytes) -> None:
    found = parse_sitemap(content)
    assert not any("root:" in link or "haha" in link for link in found.pages)
    assert not found.sitemaps and (found.damage or not found.pages)


def test_failures_that_may_pass_are_gone_over_again_and_nothing_else(server: Any, tmp_path: Path) -> None:
    server.add("/", page("Home", "/a", "/gone", "/big"))
    server.add("/a", "busy", status=503)
    server.add("/big", "x" * 5000)
    items = crawl(server, tmp_path, max_bytes=4000)
    assert titles(items) == ["Home"] and reasons(items) == {"http_503": 1, "http_404": 1, "too_large": 1}
    server.add("/a", page("A", "/b"))
    server.add("/b", page("B"))
    before = len(server.asked)
    assert titles(crawl(server, tmp_path, max_bytes=4000)) == ["Home", "A", "B"]
    assert [path for path in server.paths()[before:] if path != "/robots.txt"] == [
        "/a",
        "/big",
        "/b",
    ]


def test_a_crawl_that_was_stopped_goes_on(server: Any, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    server.add("/", page("Home", *(f"/{n}" for n in range(6))))
    for n in range(6):
        server.add(f"/{n}", page(str(n)))
    visited, real = list[str](), Crawl._visited

    def stopping(self: Crawl, got: Fetched, depth: int) -> Any:
        visited.append(got.url)
        if len(visited) == 4:
            raise KeyboardInterrupt
        return real(self, got, depth)

    with monkeypatch.context() as patch:
        patch.setattr(Crawl, "_visited", stopping)
        with pytest.raises(KeyboardInterrupt):
            crawl(server, tmp_path)
    before = len(server.asked)
    assert titles(crawl(server, tmp_path)) == ["Home", *map(str, range(6))]
    assert server.paths()[before:] == ["/robots.txt", "/3", "/4", "/5"], "that there is no sitemap is known"


def test_of_two_runs_that_want_the_same_one_fetches(server: Any, tmp_path: Path) -> None:
    server.add("/", page("Home", "/a"), pause=0.05, piece=100)
    server.add("/a", page("A"), pause=0.05, piece=100)
    both = [Thread(target=fetched, args=(server, tmp_path)) for _ in range(2)]
    for thread in both:
        thread.start()
    for thread in both:
        thread.join()
    assert server.paths() == ["/robots.txt", "/sitemap.xml", "/", "/a"]


def test_refresh_sees_what_changed(server: Any, tmp_path: Path) -> None:
    server.add("/", page("Home", "/a"), headers={"ETag": '"1"'})
    server.add("/a", page("Old"), headers={"ETag": '"1"'})
    first = crawl(server, tmp_path)
    server.add("/a", page("New"), headers={"ETag": '"2"'})
    assert crawl(server, tmp_path) == first
    assert titles(crawl(server, tmp_path, refresh=True)) == ["Home", "New"]
    assert server.asked[-2].headers["if-none-match"] == '"1"'


def test_shards_are_the_whole_in_order(server: Any, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("pluglm_sources.http.recorded.SHARD", 3)
    server.add("/", page("Home", *(f"/{n}" for n in range(9))))
    for n in range(8):
        server.add(f"/{n}", page(str(n)))
    source = fetched(server, tmp_path)
    shards = pickle.loads(pickle.dumps(list(source.shards())))
    assert len(shards) == 4 and SHARD > 3
    assert list(chain.from_iterable(shard.read() for shard in shards)) == list(source.read())
    assert {path for shard in shards for path in shard.inputs()} == set(source.inputs())
    assert all(len(list(shard.inputs())) <= 4 for shard in shards)


def test_pages_that_lost_their_body_or_have_no_text(server: Any, tmp_path: Path) -> None:
    server.add("/", page("Home", "/a", "/b"))
    server.add("/a", page("A"))
    server.add("/b", "<html><head><title>Only a title</title></head><body><script>x()</script></body></html>")
    source = fetched(server, tmp_path)
    next(path for path in source.inputs() if b"A in so many" in path.read_bytes()).unlink()
    items = list(source.read())
    assert isinstance(items[1], Unreadable) and items[1].reason == "unreadable"
    assert items[2] == Dropped("no_text")
    assert len(titles(list(fetched(server, tmp_path).read()))) == 2, "a run that finds a body gone fetches it again"


def test_a_record_that_is_not_there_is_told_before_anything_runs(tmp_path: Path) -> None:
    source = WebScrape(start=["https://a.org/"], record=tmp_path / "gone.jsonl")
    (problem,) = source.problems(SimpleNamespace(source={"mine": source}))
    assert (problem.path, problem.reason) == ("source.mine.record", "is no file")
    assert not list(WebScrape(start=["https://a.org/"]).problems(SimpleNamespace(source={})))


def test_a_record_must_be_one(tmp_path: Path) -> None:
    wrong = tmp_path / "record.jsonl"
    wrong.write_text('{"what": 1}\n')
    with pytest.raises(DataError, match="is no record"):
        list(WebScrape(start=["https://a.org/"], record=wrong).read())
    with pytest.raises(DataError, match="fetched nothing yet"):
        list(WebScrape(start=["https://a.org/"]).read())


@pytest.mark.parametrize(
    "values",
    [{"start": ["ftp://a.org/"]}, {"start": ["example.org"]}, {"start": []}, {"include": ["("]}, {"exclude": ["["]}],
)
def test_mistakes_are_told(values: dict[str, Any]) -> None:
    with pytest.raises(ValueError, match=next(iter(values))):
        WebScrape(**{"start": ["https://a.org/"], **values})


@pytest.mark.parametrize(
    ("link", "tidied"),
    [
        ("HTTP://Example.ORG:80/a/../b/./c//d/#x", "http://example.org/b/c/d/"),
        ("https://example.org:443", "https://example.org/"),
        ("https://example.org:8443/?b=2&a=1", "https://example.org:8443/?b=2&a=1"),
        ("  x y?q#z ", "https://base.org/dir/x y?q"),
        ("?page=2", "https://base.org/dir/page?page=2"),
        ("//cdn.org/x", "https://cdn.org/x"),
        ("/p?utm_source=a&id=3&fbclid=z", "https://base.org/p?id=3"),
        ("/p;jsessionid=1F?x=1", "https://base.org/p?x=1"),
        ("/..", "https://base.org/"),
        ("/a/..", "https://base.org/"),
        ("http://[::1]:80/x", "http://[::1]/x"),
        ("java\nscript:alert(1)", None),
        ("mailto:a@b.org", None),
        ("data:text/html,x", None),
        ("http://user:password@a.org/", None),
        ("http://[bad/", None),
        ("http://a.org:port/", None),
    ],
)
def test_one_spelling_for_each_address(link: str, tidied: str | None) -> None:
    assert tidy(link, "https://base.org/dir/page") == tidied
    assert tidied is None or tidy(tidied) == tidied


def test_types_by_their_names() -> None:
    names = ["/a.PNG", "/a.html", "/a", "/a.b/c", "/v1.2", "/x.zip?y=a.html", "/a.php"]
    assert [named_type("https://a.org" + name) for name in names] == [
        "image/png",
        "text/html",
        None,
        None,
        None,
        "application/zip",
        None,
    ]


def test_robots_without_a_host_are_the_clients_matter(tmp_path: Path) -> None:
    client = WebScrape(start=["https://a.org/"], retries=0).client(tmp_path)
    with pytest.raises(FetchError, match="private_host"):
        Robots(client).check("http://127.0.0.1:9/")


def test_the_base_has_no_technique_of_its_own() -> None:
    gather: Callable[..., Any] = Recorded.gather
    assert getattr(gather, "__isabstractmethod__", False)
