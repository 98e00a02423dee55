"""Web pages to text, and what their heads say of them."""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import Any, Literal

from pluglm_sources.text.html_bounds import unclosed

Extractor = Literal["auto", "resiliparse", "trafilatura", "plain"]

# Of a meta element in the first bytes of a page; as many as the HTML standard has browsers look at.
META = re.compile(rb"""<meta[^>]+charset\s*=\s*["']?\s*([\w.:-]+)""", re.IGNORECASE)
META_WITHIN = 1024
MARKS = ((b"\xef\xbb\xbf", "utf-8"), (b"\xfe\xff", "utf-16-be"), (b"\xff\xfe", "utf-16-le"))
CREATIVE_COMMONS = re.compile(
    r"^https?://(?:www\.)?creativecommons\.org/(?:licenses/(by(?:-nc)?(?:-sa|-nd)?)/([1-4]\.[05])"
    r"(?:/(?!igo)[a-z]{2,3}(?=/|$))?|publicdomain/(zero|mark)/(1\.0))",
    re.IGNORECASE,
)
LINKING = ("a", "area", "link", "base")
# Elements times depth that the rules for main content are given; about a second. Up to the first depth all pages may
# nest, beyond the second none.
MOST_WORK, SHALLOW, DEEPEST = 20_000_000, 100, 1000


@dataclass(frozen=True, slots=True)
class HtmlPage:
    """What a page says.

    Attributes:
        text: its text, blocks as lines.
        title: of its head, or "".
        canonical: what it gives as its own address, as it is written there, or "".
        licence: SPDX id where its rel=license link is known, else that link, or "".
        language: the lang (or xml:lang) attribute, or "".
        robots: directives to robots in lower case (noindex, nofollow, none ...).
        base: what links are relative to, as it is written there, or "".
        links: what it links to, without links marked nofollow, as written there.
    """

    text: str
    title: str
    canonical: str
    licence: str
    language: str
    robots: frozenset[str]
    base: str
    links: tuple[str, ...]


class UnclosedTags(ValueError):
    """A page that leaves so many tags open that to parse it would take minutes, or gigabytes."""

    reason = "unclosed_tags"


def decode_html(content: bytes, charset: str | None) -> str:
    """The characters of a page: by its byte order mark, the charset its transfer named, its meta element, or what the
    bytes look like, in this order (https://html.spec.whatwg.org/#determining-the-character-encoding). A charset that
    is none, or that the bytes do not fit, is passed over."""
    from resiliparse.parse.encoding import bytes_to_str, detect_encoding

    for mark, unicode in MARKS:
        if content.startswith(mark):
            return content[len(mark) :].decode(unicode, errors="replace")
    meta = META.search(content[:META_WITHIN])
    # A page whose meta element could be read as ASCII is not in UTF-16, whatever that element says.
    named = [charset, re.sub("(?i)^utf-?16.*", "utf-8", meta[1].decode("ascii")) if meta else None]
    for label in filter(None, named):
        encoding = known_encoding(label)
        try:
            if encoding:
                return content.decode(encoding)
        except UnicodeDecodeError:
            continue
    text: str = bytes_to_str(content, detect_encoding(content) or "utf-8", errors="replace")
    return text


def known_encoding(label: str) -> str | None:
    """Python's name of an encoding of the web (https://encoding.spec.whatwg.org), or None."""
    from resiliparse.parse.encoding import map_encoding_to_html5

    # ISO-8859-1 and ASCII are windows-1252 on the web.
    encoding = map_encoding_to_html5(label.strip().lower(), fallback_utf8=False)
    return encoding or None


def spdx_of(link: str) -> str:
    """The SPDX id of a Creative Commons link (https://spdx.org/licenses), or the link itself."""
    found = CREATIVE_COMMONS.match(link.strip())
    if not found:
        return link.strip()
    terms, version, dedication, _ = found.groups()
    if dedication:
        return "CC0-1.0" if dedication.lower() == "zero" else "CC-PDM-1.0"
    return f"CC-{terms.upper()}-{version}"


def html_text(content: bytes, charset: str | None = None, extractor: Extractor = "auto") -> str:
    """The text of a page, "" where it has none.

    `resiliparse` takes the main content by fast rules, `trafilatura` by slower and more careful ones, `plain` takes
    everything that is shown; `auto` is `resiliparse`, and `trafilatura` where that finds nothing.

    Raises:
        UnclosedTags: it is made to do harm.
    """
    return _text(decode_html(content, charset), extractor)


def html_page(content: bytes, charset: str | None = None, extractor: Extractor | None = "auto") -> HtmlPage:
    """The text of a page and what its head says; without an extractor the text is left out.

    Raises:
        UnclosedTags: its text cannot be had.
    """
    source = decode_html(content, charset)
    root = _tree(source)
    marked = [
        (element.tag, element.get("href").strip(), _words(element, "rel"))
        for element in root.iter(*LINKING)
        if element.get("href")
    ]
    directives = [_words(element, "content") for element in root.iter("meta") if _words(element, "name") == ["robots"]]
    return HtmlPage(
        text=_text(source, extractor) if extractor else "",
        title=" ".join((root.findtext(".//title") or "").split()),
        canonical=next((link for tag, link, rel in marked if tag == "link" and "canonical" in rel), ""),
        licence=spdx_of(next((link for tag, link, rel in marked if tag != "base" and "license" in rel), "")),
        language=(root.get("lang") or root.get("xml:lang") or "").strip(),
        robots=frozenset(word for words in directives for word in words),
        base=next((link for tag, link, _ in marked if tag == "base"), ""),
        links=tuple(link for tag, link, rel in marked if tag in ("a", "area") and "nofollow" not in rel),
    )


def _tree(source: str) -> Any:
    from lxml import etree, html

    # Bytes, because lxml refuses text that names an encoding; the parser is told which one they are in.
    content = source.replace("\0", "\ufffd").encode("utf-8", errors="replace")
    try:
        return html.document_fromstring(content, parser=html.HTMLParser(encoding="utf-8", no_network=True))
    except etree.ParserError:
        return html.Element("html")


def _words(element: Any, attribute: str) -> list[str]:
    return re.split(r"[\s,]+", (element.get(attribute) or "").strip().lower())


def nests_deeper(tree: Any, depth: int) -> bool:
    """Whether elements of a page nest deeper than that."""
    return tree.document.query_selector(">".join(["*"] * (depth + 1))) is not None


def _text(source: str, extractor: Extractor) -> str:
    text = ""
    if extractor != "trafilatura":
        from resiliparse.extract.html2text import extract_plain_text
        from resiliparse.parse.html import HTMLTree

        if detail := unclosed(source):
            raise UnclosedTags(detail)
        page: Any = source
        opened = source.count("<") if extractor != "plain" else 0
        if opened**2 > MOST_WORK and (opened := opened - source.count("</")) ** 2 > MOST_WORK:
            # The rules for main content look from each element up to the root: minutes for a page that is made for it.
            # One with fewer tags cannot be such a page, and is spared this look.
            page = HTMLTree.parse(source)
            if nests_deeper(page, min(DEEPEST, max(SHALLOW, MOST_WORK // opened))):
                extractor = "plain"
        text = extract_plain_text(page, main_content=extractor != "plain", alt_texts=False).strip()
    if extractor == "trafilatura" or (extractor == "auto" and not text):
        from trafilatura import extract

        text = (extract(source, include_comments=False, include_tables=True) or "").strip()
    return text
