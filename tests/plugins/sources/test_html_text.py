"""HTML to text: characters, main content, what heads say, and pages made to do harm."""

from __future__ import annotations

import argparse
import json
import pydoc
import re
import statistics
from types import ModuleType

import pytest
from resiliparse.parse.html import HTMLTree

from pluglm_sources.text.html import UnclosedTags, decode_html, html_page, html_text, nests_deeper, spdx_of

WORDS = "Grüße aus Köln: naïve façade — 100 € für den Käse, žluťoučký kůň"
SENTENCE = "The quick brown fox jumps over the lazy dog while the old man reads his newspaper in the garden. "


@pytest.mark.parametrize("charset", ["utf-8", "utf-16", "utf-8-sig", "windows-1250", "iso-8859-2"])
def test_the_header_names_the_charset(charset: str) -> None:
    text = WORDS.replace("—", "-").replace("€", "E").replace("ï", "i") if charset != "utf-8" else WORDS
    text = text if charset.startswith("utf") else text.replace("ç", "c")
    assert decode_html(text.encode(charset), charset) == text


def test_mark_before_header_before_meta_before_looks() -> None:
    meta = '<meta charset="windows-1251">'
    russian = "Широкая электрификация южных губерний даст мощный толчок подъёму сельского хозяйства. " * 4
    assert decode_html(b"\xef\xbb\xbf" + russian.encode(), "windows-1251") == russian
    assert decode_html((meta + russian).encode("utf-8"), "utf-8") == meta + russian
    assert decode_html((meta + russian).encode("windows-1251"), None) == meta + russian
    old = '<meta http-equiv="Content-Type" content="text/html; charset=koi8-r">'
    assert decode_html((old + russian).encode("koi8-r"), None) == old + russian
    assert decode_html(russian.encode("koi8-r"), None) == russian
    assert decode_html(russian.encode("utf-16"), None) == russian


@pytest.mark.parametrize("charset", ["rot13", "zip", "no-such", "utf-7", "", "x-user-defined", "ascii"])
def test_a_charset_that_is_none_or_does_not_fit_is_passed_over(charset: str) -> None:
    assert decode_html(WORDS.encode(), charset) == WORDS or charset == "ascii"
    # On the web, ASCII is windows-1252 (https://encoding.spec.whatwg.org/#names-and-labels).
    assert decode_html("Käse €".encode("cp1252"), "ascii") == "Käse €"


def test_a_page_that_lies_about_its_charset_is_read_as_what_it_is() -> None:
    assert decode_html(("Grüße und Käse, über Öl. " * 5).encode("cp1252"), "utf-8").startswith("Grüße und Käse")


def test_text_is_always_text() -> None:
    content = bytes(range(256)) * 20 + b"<p>a&#0;b&#xD800;c\xed\xa0\x80d</p>"
    for extractor in ("auto", "resiliparse", "trafilatura", "plain"):
        html_text(content, None, extractor).encode("utf-8")


PAGE = f"""<!DOCTYPE html><html lang="en-GB"><head><title> A  fox
 story </title><base href="/base/"><link rel="canonical" href="https://example.org/fox">
<META NAME="Robots" content="NoIndex, follow"><link rel=stylesheet href=a.css></head>
<body><nav><a href="menu.html">Menu entry</a> <a href="b.html" rel="nofollow ugc">Never</a></nav>
<script>var hidden = "script text";</script><style>p {{ color: red }}</style>
<main><article><h1>The fox</h1><p>{SENTENCE * 3}</p><ul><li>One item of the list</li><li>Second item</li></ul>
<pre>code   kept
  as it is</pre><p>{SENTENCE * 2}</p></article></main>
<footer>Some footer <a rel="license" href="https://creativecommons.org/licenses/by-sa/4.0/">Licence</a></footer>
</body></html>"""


def test_what_a_page_says_of_itself() -> None:
    page = html_page(PAGE.encode())
    assert (page.title, page.canonical, page.base, page.language) == (
        "A fox story",
        "https://example.org/fox",
        "/base/",
        "en-GB",
    )
    assert page.robots == {"noindex", "follow"}
    assert page.licence == "CC-BY-SA-4.0"
    assert page.links == ("menu.html", "https://creativecommons.org/licenses/by-sa/4.0/")
    assert html_page(PAGE.encode(), None, None).text == ""


def test_a_page_in_xhtml_names_its_language_in_xml() -> None:
    xhtml = '<html xmlns="http://www.w3.org/1999/xhtml" xml:lang="de-DE"><head><title>x</title></head><body/></html>'
    assert html_page(xhtml.encode(), None, None).language == "de-DE"


@pytest.mark.parametrize("extractor", ["auto", "resiliparse", "trafilatura"])
def test_the_main_content_is_taken(extractor: str) -> None:
    text = html_text(PAGE.encode(), None, extractor)  # type: ignore[arg-type]
    assert text.count(SENTENCE.strip()) == 5
    assert [part for part in ("Menu entry", "script text", "color: red") if part in text] == []
    everything = html_text(PAGE.encode(), None, "plain")
    assert "Menu entry" in everything and "Some footer" in everything and "script text" not in everything


def test_trafilatura_helps_out_where_the_rules_find_nothing() -> None:
    # Named like a comment section, which the fast rules leave out altogether.
    page = f'<html><body><div id="footer" class="footer"><article><p>{SENTENCE * 5}</p></article></div></body></html>'
    assert html_text(page.encode(), None, "resiliparse") == ""
    assert "quick brown fox" in html_text(page.encode(), None, "auto")


@pytest.mark.parametrize("module", [argparse, json, statistics])
def test_pages_that_pydoc_makes_say_what_its_text_says(module: ModuleType) -> None:
    page = pydoc.HTMLDoc().page(module.__name__, pydoc.HTMLDoc().docmodule(module))
    told = set(re.findall(r"[a-z]{4,}", html_text(page.encode(), "utf-8", "plain").lower()))
    words = set(re.findall(r"[a-z]{4,}", (module.__doc__ or "").lower()))
    assert len(words) > 20 and words <= told
    main = set(re.findall(r"[a-z]{4,}", html_text(page.encode()).lower()))
    assert len(words & main) > 0.9 * len(words)


@pytest.mark.parametrize(
    ("link", "name"),
    [
        ("http://creativecommons.org/licenses/by/2.5/", "CC-BY-2.5"),
        ("https://creativecommons.org/licenses/by-nc-nd/4.0/deed.de", "CC-BY-NC-ND-4.0"),
        ("https://www.creativecommons.org/publicdomain/zero/1.0/", "CC0-1.0"),
        ("https://creativecommons.org/publicdomain/mark/1.0/", "CC-PDM-1.0"),
        ("https://creativecommons.org/licenses/sampling/1.0/", "https://creativecommons.org/licenses/sampling/1.0/"),
        (" /terms.html ", "/terms.html"),
        ("", ""),
    ],
)
def test_licences_by_their_links(link: str, name: str) -> None:
    assert spdx_of(link) == name


@pytest.mark.parametrize("closed", ["", "</div>", "</x>"])
def test_what_nests_too_deep_is_not_pondered(closed: str) -> None:
    for depth in (3, 300):
        # html and body are around them.
        source = f"<div>{'' if closed == '</div>' else closed}" * (depth - 2) + "x" + closed * (depth - 2)
        tree = HTMLTree.parse(source)
        assert not nests_deeper(tree, depth) and nests_deeper(tree, depth - 1)
    content = b"<div></x>" * 200_000 + SENTENCE.encode()
    # By the rules for main content this took more than ten minutes.
    assert html_text(content) == SENTENCE.strip()


@pytest.mark.parametrize(
    "page",
    [
        "<b c={0}><i c={0}><p>x",
        # What looks closed, and is not.
        "<b c={0}><object></b></object><p>x",
        "<b c={0}><!-- </b> --><p>x",
        "<b c={0}><p title='</b>'>x",
        "<s c={0}></\u017f><p>x",
    ],
)
def test_a_page_that_a_parser_would_multiply_is_not_parsed(page: str) -> None:
    # A page of 60 kB took 21 s and 3.8 GB.
    assert html_text("".join(page.format(number) for number in range(200)).encode()).count("x") >= 199
    with pytest.raises(UnclosedTags, match="formatting"):
        html_text("".join(page.format(number) for number in range(3000)).encode())


@pytest.mark.parametrize("page", ["<q>{}</i>", "<div>{}</li>"])
def test_a_page_that_a_parser_would_search_for_hours_is_not_parsed(page: str) -> None:
    start, end = page.split("{}")
    with pytest.raises(UnclosedTags, match="without an end"):
        html_text((start * 21_000 + end * 21_000).encode())


def test_a_large_page_of_closed_elements_is_parsed() -> None:
    entry = '<li class="x"><a href="#{0}"><code id=c{0}><span>f</span>{0}</code><svg><path d="M0"/></svg></a><td>y</td>'
    page = f"<p>{SENTENCE}</p>" + "".join(f"<ul>{entry.format(number)}</ul><br>" for number in range(3000))
    assert "2999" in html_text(page.encode(), None, "plain")


@pytest.mark.parametrize(
    "content",
    [
        b"",
        b" ",
        b"\xff\xfe",
        b"<",
        b"<!--",
        b"<p " + b'a="b" ' * 50_000,
        b"\x89PNG\r\n\x1a\n" + bytes(300),
        b'<?xml version="1.0" encoding="utf-16"?><p>x</p>',
        b'<!DOCTYPE a [<!ENTITY b "c"><!ENTITY d SYSTEM "file:///etc/passwd">]><p>&d;&b;</p>',
    ],
)
def test_odd_pages_are_pages(content: bytes) -> None:
    page = html_page(content)
    assert "root:" not in page.text
    assert page.text == html_page(content).text
