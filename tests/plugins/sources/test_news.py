"""Feeds of every form, damaged and malicious ones, and articles fetched in full."""

from __future__ import annotations

import gzip
import json
import pickle
from collections import Counter
from itertools import chain
from pathlib import Path
from typing import Any

import pytest

from pluglm import Document, Dropped, Unreadable
from pluglm_sources.news import News, with_title
from pluglm_sources.web.article_facts import article_facts, iso_date
from pluglm_sources.web.feeds import parse_feed

# The examples of the specifications, shortened: https://www.rssboard.org/files/sample-rss-2.xml,
# https://www.rfc-editor.org/rfc/rfc4287#section-1.1 and https://web.resource.org/rss/1.0/spec.
RSS = """<?xml version="1.0" encoding="utf-8"?>
<rss version="2.0" xmlns:dc="http://purl.org/dc/elements/1.1/" xmlns:content="http://purl.org/rss/1.0/modules/content/">
<channel><title>Liftoff News</title><link>http://liftoff.test/</link><language>en-us</language>
<item><title>Star &amp;amp; City</title><link>http://liftoff.test/star-city</link>
<description>How do &lt;b&gt;Americans&lt;/b&gt; get ready?</description>
<pubDate>Tue, 03 Jun 2003 09:39:21 +0200</pubDate>
<guid>http://liftoff.test/2003/06/03.html#item573</guid><dc:creator>Jane Doe</dc:creator></item>
<item><description>Sky watchers in Europe will experience a partial eclipse.</description>
<guid isPermaLink="false">tag:liftoff.test,2003:572</guid></item>
<item><title>The Engine</title><link>/engine</link><description>Short.</description>
<content:encoded><![CDATA[<p>Before man travels to Mars, <a href="x">NASA</a> hopes.</p>
<p>Second paragraph.</p>]]></content:encoded>
<pubDate>no date</pubDate></item>
</channel></rss>"""
ATOM = """<?xml version="1.0" encoding="utf-8"?><feed xmlns="http://www.w3.org/2005/Atom" xml:lang="en">
<title>dive into mark</title><link rel="license" href="https://creativecommons.org/licenses/by/4.0/"/>
<link rel="self" href="http://example.org/feed.atom"/><id>tag:example.org,2003:3</id>
<entry><title>Atom draft-07 snapshot</title><link rel="alternate" type="text/html" href="http://example.org/2005/04/02/atom"/>
<id>tag:example.org,2003:3.2397</id><updated>2005-07-31T12:29:29Z</updated>
<published>2003-12-13T08:29:29-04:00</published>
<author><name>Mark Pilgrim</name></author><author><name>Sam Ruby</name></author>
<content type="xhtml" xml:lang="de">
<div xmlns="http://www.w3.org/1999/xhtml"><p><i>[Update: Fertig.]</i></p></div></content>
<link rel="license" href="http://creativecommons.org/licenses/by-nc/2.5/"/></entry>
<entry><title type="html">Less &amp;lt; more</title><id>urn:uuid:1</id><summary>a &lt; b, in text</summary></entry>
</feed>"""
RDF = """<?xml version="1.0" encoding="ISO-8859-1"?><rdf:RDF xmlns:rdf="http://www.w3.org/1999/02/22-rdf-syntax-ns#"
 xmlns="http://purl.org/rss/1.0/" xmlns:dc="http://purl.org/dc/elements/1.1/"><channel rdf:about="http://xml.test/">
<title>XML.com</title></channel><item rdf:about="http://xml.test/pub"><title>Grüße</title>
<link>http://xml.test/pub</link><description>Über XSLT.</description><dc:date>2000-08-09T12:00:00Z</dc:date></item>
</rdf:RDF>"""
NEWS_SITEMAP = """<?xml version="1.0" encoding="UTF-8"?><urlset xmlns="http://www.sitemaps.org/schemas/sitemap/0.9"
 xmlns:news="http://www.google.com/schemas/sitemap-news/0.9"><url><loc>{0}/business/article55.html</loc><news:news>
<news:publication><news:name>The Example Times</news:name><news:language>en</news:language></news:publication>
<news:publication_date>2008-12-23T10:00:00+02:00</news:publication_date>
<news:title>Companies A, B in Merger Talks</news:title>
</news:news></url></urlset>"""
STORY = "The two companies said on Tuesday that they were talking about a merger, and that nothing was decided yet. "


def in_file(folder: Path, content: str | bytes, name: str = "feed.xml", **values: Any) -> list[Any]:
    path = folder / name
    path.write_bytes(content.encode() if isinstance(content, str) else content)
    return list(News(paths=[str(path)], **values).read())


def fetched(folder: Path, **values: Any) -> Any:
    quick = {"allow_private_hosts": True, "delay": 0, "backoff": 0, "retries": 1, "timeout": 5}
    return News(**{**quick, **values}).fetch(folder / "store", lambda line: None)


def reasons(items: list[Any]) -> Counter[str]:
    return Counter(item.reason for item in items if not isinstance(item, Document))


def test_rss(tmp_path: Path) -> None:
    first, second, third = in_file(tmp_path, RSS)
    assert first.text == "Star & City\n\nHow do Americans get ready?"
    assert first.id == "http://liftoff.test/star-city"
    assert first.metadata == {
        "locator": "http://liftoff.test/star-city",
        "title": "Star & City",
        "date": "2003-06-03T07:39:21+00:00",
        "byline": "Jane Doe",
        "language": "en-us",
        "publication": "Liftoff News",
    }
    assert second.text == "Sky watchers in Europe will experience a partial eclipse."
    assert second.id == "tag:liftoff.test,2003:572" and "title" not in second.metadata
    assert third.text == "The Engine\n\nBefore man travels to Mars, NASA hopes.\n\nSecond paragraph."
    assert third.metadata["date"] == "no date"


def test_atom(tmp_path: Path) -> None:
    first, second = in_file(tmp_path, ATOM)
    assert first.text == "Atom draft-07 snapshot\n\n[Update: Fertig.]"
    assert first.metadata["date"] == "2003-12-13T12:29:29+00:00"
    assert first.metadata["byline"] == "Mark Pilgrim, Sam Ruby"
    assert (first.metadata["licence"], second.metadata["licence"]) == ("CC-BY-NC-2.5", "CC-BY-4.0")
    assert (first.metadata["language"], second.metadata["language"]) == ("de", "en")
    assert second.text == "Less < more\n\na < b, in text" and second.id == "urn:uuid:1"


@pytest.mark.parametrize("encoding", ["iso-8859-1", "utf-16"])
def test_rss_1_and_other_encodings(tmp_path: Path, encoding: str) -> None:
    (only,) = in_file(tmp_path, RDF.replace("ISO-8859-1", encoding).encode(encoding))
    assert only.text == "Grüße\n\nÜber XSLT." and only.metadata["date"] == "2000-08-09T12:00:00+00:00"


def test_packed_files_and_several(tmp_path: Path) -> None:
    (tmp_path / "a.xml.gz").write_bytes(gzip.compress(RSS.encode()))
    (tmp_path / "b.atom").write_text(ATOM)
    (tmp_path / "c.xml").write_text(RSS)
    source = News(paths=[str(tmp_path / "*")])
    items = list(source.read())
    assert len(items) == 8 and reasons(items) == {"duplicate_article": 3}
    assert list(source.inputs()) == [tmp_path / name for name in ("a.xml.gz", "b.atom", "c.xml")]
    assert source.fetch(tmp_path / "store", print) is source, "files need no network"
    assert not (tmp_path / "store").exists()


def test_shards_are_the_whole_in_order(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("pluglm_sources.http.recorded.SHARD", 2)
    in_file(tmp_path, RSS)
    source = News(paths=[str(tmp_path / "*.xml")])
    shards = pickle.loads(pickle.dumps(list(source.shards())))
    assert len(shards) == 2
    assert list(chain.from_iterable(shard.read() for shard in shards)) == list(source.read())


def test_a_feed_that_breaks_off_gives_what_is_whole(tmp_path: Path) -> None:
    whole = in_file(tmp_path, RSS)
    for end in range(len(RSS) // 10, len(RSS) - len("</channel></rss>"), 29):
        items = in_file(tmp_path, RSS[:end])
        count = RSS[:end].count("</item>")
        assert [item for item in items if isinstance(item, Document)] == whole[:count]
        opened = RSS[:end].count("<item>")
        assert reasons(items) == {"damaged_entry" if opened > count else "damaged_feed": 1}


def test_a_feed_with_damage_in_its_middle_is_read_on(tmp_path: Path) -> None:
    whole = in_file(tmp_path, RSS)
    items = in_file(tmp_path, RSS.replace("<item><description>", "<item><\x01& description>"))
    assert items[:2] == [whole[0], whole[2]]
    assert isinstance(items[2], Unreadable)
    assert (items[2].locator, items[2].reason) == (f"{tmp_path}/feed.xml#2", "damaged_entry")


@pytest.mark.parametrize("feed", [RSS, ATOM])
def test_damage_in_the_head_costs_the_head(tmp_path: Path, feed: str) -> None:
    whole = in_file(tmp_path, feed)
    items = in_file(tmp_path, feed.replace("<title>", "<<title>", 1))
    assert [item.text for item in items[:-1]] == [item.text for item in whole]
    assert reasons(items) == {"damaged_feed": 1} and not any("publication" in item.metadata for item in items[:-1])


def test_bare_ampersands_are_mended(tmp_path: Path) -> None:
    link = "<link>http://a.test/?a=1&b=2</link>"
    (only,) = in_file(
        tmp_path,
        f"<rss version='2.0'><channel><item><title>Q & A</title>{link}</item></channel></rss>".replace(
            "</item>", "<description>R&amp;D &#38; more</description></item>"
        ),
    )
    assert (only.text, only.id) == ("Q & A\n\nR&D & more", "http://a.test/?a=1&b=2")


def test_every_flipped_byte_is_survived(tmp_path: Path) -> None:
    content = ATOM.encode()
    for at in range(0, len(content), 61):
        items = in_file(tmp_path, content[:at] + bytes([content[at] ^ 0x55]) + content[at + 1 :])
        assert items and all(isinstance(item, Document | Unreadable | Dropped) for item in items)


@pytest.mark.parametrize(
    ("content", "reason"),
    [
        (b"", "empty_file"),
        (b"\x00\x01\x02", "damaged_feed"),
        (b"<html><body>Not found</body></html>", "damaged_feed"),
        (b'{"version": "https://jsonfeed.org/version/1"}', "damaged_feed"),
        (b"http://127.0.0.1:1/feed.xml", "damaged_feed"),
        (b"/etc/passwd", "damaged_feed"),
        (b"<rss><channel>" + b"<item>" * 30, "damaged_entry"),
        (b"x" * 2000, "file_too_large"),
    ],
)
def test_what_is_no_feed_is_told(tmp_path: Path, content: bytes, reason: str) -> None:
    items = in_file(tmp_path, content, max_bytes=20_000 if reason != "file_too_large" else 1999)
    assert set(map(type, items)) == {Unreadable} and items[0].reason == reason


def test_entities_are_not_expanded_and_nothing_is_loaded(tmp_path: Path) -> None:
    lines = ['<!ENTITY e0 "hahaha">'] + [f'<!ENTITY e{n} "{f"&e{n - 1};" * 10}">' for n in range(1, 10)]
    lines += [f'<!ENTITY file SYSTEM "{tmp_path}/secret">']
    (tmp_path / "secret").write_text("s3cret")
    item = (
        "<item><title>Title</title><description>Words &e9; &file; end</description><link>http://a.test/</link></item>"
    )
    bomb = f'<!DOCTYPE rss [{"".join(lines)}]><rss version="2.0"><channel>{item}</channel></rss>'
    items = in_file(tmp_path, bomb)
    assert items and len(str(items)) < 2000 and "s3cret" not in str(items) and "haha" not in str(items)


def test_scripts_do_not_become_text(tmp_path: Path) -> None:
    evil = (
        "&lt;script&gt;alert(1)&lt;/script&gt;&lt;p onclick='x()'&gt;Good text&lt;/p&gt;&lt;style&gt;p{}&lt;/style&gt;"
    )
    (only,) = in_file(
        tmp_path, f'<rss version="2.0"><channel><item><description>{evil}</description></item></channel></rss>'
    )
    assert only.text == "Good text" and only.id.endswith("feed.xml#1")


def test_feeds_are_fetched_once_and_read_without_the_network(server: Any, tmp_path: Path) -> None:
    url = server.add("/feed", RSS, content_type="application/rss+xml; charset=utf-8", headers={"ETag": '"1"'})
    gone = server.url + "/gone"
    source = fetched(tmp_path, feeds=[url, gone])
    items = list(source.read())
    assert [item.metadata.get("title") for item in items[:3]] == ["Star & City", None, "The Engine"]
    assert items[2].id == server.url + "/engine", "relative to where the feed was found"
    assert items[0].metadata["retrieved"].endswith("+00:00")
    assert items[3] == Unreadable(gone, "http_404", f"{gone} answered 404 Not Found")
    before = server.paths()
    assert list(fetched(tmp_path, feeds=[url, gone]).read()) == items and server.paths() == before
    server.add("/feed", ATOM, headers={"ETag": '"2"'})
    again = list(fetched(tmp_path, feeds=[url, gone], refresh=True).read())
    assert again[0].metadata["title"] == "Atom draft-07 snapshot"
    assert [asked.headers.get("if-none-match") for asked in server.asked if asked.path == "/feed"] == [None, '"1"']


def article(head: str = "", body: str = STORY * 4) -> str:
    return (
        f'<html lang="en"><head><title>Site - Merger</title>{head}</head><body><nav>Menu of the site</nav>'
        f"<article><h1>Merger</h1><p>{body}</p></article></body></html>"
    )


def feed_of(*links: str) -> str:
    items = "".join(
        f"<item><title>Merger</title><link>{link}</link><description>In short.</description></item>" for link in links
    )
    return f'<rss version="2.0"><channel><title>Times</title>{items}</channel></rss>'


def test_articles_in_full(server: Any, tmp_path: Path) -> None:
    facts = {"@context": "https://schema.org", "@type": "NewsArticle", "datePublished": "2024-05-01T10:00:00+02:00"}
    told = json.dumps({**facts, "author": [{"@type": "Person", "name": "Ann Other"}]})
    server.add("/1", article(f'<script type="application/ld+json">{told}</script>'))
    server.add("/2", article('<meta name="robots" content="noai">'))
    server.add("/3", article())
    server.add("/4", b"%PDF", content_type="application/pdf")
    server.add("/5", status=302, headers={"Location": "/private/5"})
    server.add("/robots.txt", "User-agent: *\nDisallow: /private")
    url = server.add("/feed", feed_of("/1", "/2", "/private/3", "/4", "/5", "/gone", "/1?utm_source=rss", "mailto:x"))
    items = list(fetched(tmp_path, feeds=[url], full=True).read())
    only = items[0]
    assert (
        only.text.startswith("Merger\n\n" + STORY.strip()) and "Menu" not in only.text and "In short" not in only.text
    )
    assert (only.metadata["date"], only.metadata["byline"]) == ("2024-05-01T08:00:00+00:00", "Ann Other")
    assert (only.metadata["title"], only.metadata["language"]) == ("Merger", "en")
    assert only.id == only.metadata["locator"] == server.url + "/1"
    assert reasons(items) == {
        "noai": 1,
        "robots_disallowed": 2,
        "other_type": 1,
        "http_404": 1,
        "duplicate_article": 1,
        "no_link": 1,
    }
    assert not [path for path in server.paths() if path.startswith("/private")]


def test_articles_of_feeds_in_files_follow_the_files(server: Any, tmp_path: Path) -> None:
    for n in (1, 2):
        server.add(f"/{n}", article(body=f"Story number {n}. " + STORY))
    path = tmp_path / "feed.xml"
    path.write_text(feed_of(server.url + "/1"))
    first = list(fetched(tmp_path, paths=[str(path)], full=True).read())
    path.write_text(feed_of(server.url + "/1", server.url + "/2"))
    second = list(fetched(tmp_path, paths=[str(path)], full=True).read())
    assert [len(first), len(second)] == [1, 2] and second[0] == first[0]
    assert server.paths().count("/1") == 1, "what is in the store is not asked for again"


def test_news_sitemaps(server: Any, tmp_path: Path) -> None:
    space = 'xmlns="http://www.sitemaps.org/schemas/sitemap/0.9"'
    server.add("/business/article55.html", article())
    server.add("/news.xml.gz", gzip.compress(NEWS_SITEMAP.format(server.url).encode()), content_type="application/gzip")
    rows = "".join(
        f"<sitemap><loc>{link}</loc></sitemap>" for link in (server.url + "/news.xml.gz", "http://other.test/s")
    )
    url = server.add("/index.xml", f"<sitemapindex {space}>{rows}</sitemapindex>")
    (only,) = fetched(tmp_path, feeds=[url], full=True).read()
    assert only.metadata["title"] == "Companies A, B in Merger Talks"
    assert only.metadata["date"] == "2008-12-23T08:00:00+00:00" and only.metadata["publication"] == "The Example Times"
    assert STORY.strip() in only.text
    assert in_file(tmp_path, NEWS_SITEMAP.format("http://a.test")) == [Dropped("no_text")], "it has titles only"


def test_private_hosts_are_not_asked(server: Any, tmp_path: Path) -> None:
    url = server.add("/feed", RSS)
    assert reasons(list(fetched(tmp_path, feeds=[url], allow_private_hosts=False).read())) == {"private_host": 1}
    path = tmp_path / "feed.xml"
    path.write_text(feed_of("http://169.254.169.254/latest/", "file:///etc/passwd"))
    items = list(fetched(tmp_path, paths=[str(path)], full=True, allow_private_hosts=False).read())
    assert reasons(items) == {"private_host": 1, "no_link": 1} and server.asked == []


def test_articles_are_bounded_and_the_rest_is_counted(tmp_path: Path) -> None:
    items = in_file(tmp_path, RSS, max_articles=1)
    assert [type(item) for item in items] == [Document, Dropped, Dropped]
    assert reasons(items) == {"article_limit": 2}


@pytest.mark.parametrize(
    ("head", "facts"),
    [
        ("", {}),
        (
            '<meta property="article:published_time" content="2024-01-02T03:04:05Z">'
            '<meta name="author" content=" A  B ">',
            {"date": "2024-01-02T03:04:05+00:00", "byline": "A B"},
        ),
        (
            '<meta property="article:author" content="https://social.test/ab"><meta name="date" content="2024-01-02">',
            {"date": "2024-01-02"},
        ),
        (
            '<script type="application/ld+json">{"@graph":[{"@type":["BlogPosting"],"author":"X",'
            '"datePublished":"never"}]}</script>',
            {"byline": "X"},
        ),
        (
            '<script type="application/ld+json">{broken</script>'
            '<script type="application/ld+json">[1,null,[]]</script>',
            {},
        ),
        ('<script type="application/ld+json">' + "[" * 100_000 + "</script>", {}),
        ('<script type="application/ld+json">{"@type":"Person","author":"Not of an article"}</script>', {}),
    ],
)
def test_date_and_byline_of_a_page(head: str, facts: dict[str, str]) -> None:
    assert article_facts(article(head).encode(), "utf-8") == facts


@pytest.mark.parametrize(
    ("text", "date"),
    [
        ("2024-02-30", ""),
        ("2024-02-29", "2024-02-29"),
        ("2024-02-29T12:00", "2024-02-29T12:00:00"),
        ("2024-02-29T23:30:00-05:00", "2024-03-01T04:30:00+00:00"),
        ("0001-01-01T00:00:00+14:00", ""),
        ("yesterday", ""),
    ],
)
def test_dates_have_one_form(text: str, date: str) -> None:
    assert iso_date(text) == date


def test_a_title_is_not_said_twice() -> None:
    assert [with_title("A", "B"), with_title("A", "A\n\nB"), with_title("", "B")] == ["A\n\nB", "A\n\nB", "B"]


@pytest.mark.parametrize("values", [{}, {"feeds": ["example.org"]}, {"feeds": ["file:///etc/passwd"]}])
def test_mistakes_are_told(values: dict[str, Any]) -> None:
    with pytest.raises(ValueError, match="feeds"):
        News(**values)


@pytest.mark.parametrize("date", ["Mon, 01 Jan 99999 00:00:00 GMT", "0000-00-00", "Mon, 32 Foo 2024", "-1"])
def test_odd_dates_are_survived(date: str) -> None:
    item = f"<item><title>T</title><description>x</description><pubDate>{date}</pubDate></item>"
    articles, _ = parse_feed(f'<rss version="2.0"><channel>{item}</channel></rss>'.encode())
    assert [article.text for article in articles] == ["x"]


def test_a_feed_that_could_not_be_had_is_not_said_to_have_an_article(server: Any, tmp_path: Path) -> None:
    said: list[str] = []
    url = server.url + "/gone"
    News(feeds=(url,), allow_private_hosts=True, delay=0, retries=0).fetch(tmp_path, said.append)
    assert said == [f"news: {url}: http_404"]
