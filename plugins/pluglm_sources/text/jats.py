"""Articles in JATS, the XML of PubMed Central (https://jats.nlm.nih.gov/archiving/)."""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Any

from pluglm import Unreadable
from pluglm_sources.packed.opening import BLOCK, reason_of
from pluglm_sources.packed.streams import Pieces
from pluglm_sources.text.jats_nodes import EMPTY, GONE, LEFT_OUT, first, inline, metadata_of, name_of, tidy

OPEN, CLOSE = re.compile(rb"<article(?=[\s>])"), re.compile(rb"</article\s*>")
DECLARED = re.compile(rb"""<\?xml[^>]{0,100}encoding=["']([A-Za-z0-9._-]{1,40})["']""")
SECTIONS = {
    "sec",
    "boxed-text",
    "app",
    "app-group",
    "ack",
    "disp-quote",
    "statement",
    "abstract",
    "trans-abstract",
    "body",
}


@dataclass(frozen=True, slots=True)
class Article:
    """An article's place, title, abstract and body as text, and what its front matter says."""

    locator: str
    title: str
    abstract: str
    body: str
    metadata: dict[str, Any] = field(default_factory=dict)


def articles_in(pieces: Pieces, place: str, most: int) -> Iterator[tuple[str, bytes, str] | Unreadable]:
    """Each `<article>` of a stream as (place, bytes, encoding), so that what is wrong with one touches no other.

    Nothing before an article is parsed; a declaration of entities there, which none needs, ends the file's reading.
    """
    waiting, offset, encoding, found = b"", 0, "utf-8", False
    while True:
        block = pieces.take(BLOCK)
        waiting += block
        if offset == 0 and (declared := DECLARED.match(waiting.removeprefix(b"\xef\xbb\xbf").lstrip())):
            encoding = declared[1].decode()
        at = 0
        while start := OPEN.search(waiting, at):
            if b"<!ENTITY" in waiting[at : start.start()]:
                yield Unreadable(f"{place}@{offset + at}", "entities_declared", "as attacks do; nothing behind is read")
                return
            found = True
            end, again = CLOSE.search(waiting, start.end()), OPEN.search(waiting, start.end())
            locator = f"{place}@{offset + start.start()}"
            if again and (end is None or again.start() < end.start()):
                yield Unreadable(locator, "article_without_end", "another begins before its end")
                at = again.start()
            elif end and end.end() - start.start() <= most:
                yield locator, waiting[start.start() : end.end()], encoding
                at = end.end()
            elif end or len(waiting) - start.start() > most:
                yield Unreadable(locator, "file_too_large", f"more than {most} bytes")
                at = end.end() if end else len(waiting)
            else:
                at = start.start()
                break
        if not block:
            break
        if not found and b"<!ENTITY" in waiting:
            yield Unreadable(place, "entities_declared", "as attacks do; nothing behind is read")
            return
        # An opening tag may lie across two blocks.
        kept = at if OPEN.match(waiting, at) else max(at, len(waiting) - 16)
        waiting, offset = waiting[kept:], offset + kept
    if OPEN.match(waiting):
        reason = "truncated_or_damaged" if pieces.error is None else reason_of(pieces.error)
        yield Unreadable(f"{place}@{offset}", reason, "an article without its end")
    elif pieces.error is not None:
        yield Unreadable(f"{place}@{pieces.position}", reason_of(pieces.error), str(pieces.error))
    elif not found:
        yield Unreadable(place, "not_jats", "no <article> in it")


def article(locator: str, content: bytes, encoding: str = "utf-8") -> Article | Unreadable:
    """One `<article>` parsed, or what is wrong with it."""
    from lxml import etree

    try:
        # Alone it has no DTD, so that a reference to an entity is an error, not an expansion.
        parser = etree.XMLParser(
            encoding=encoding,
            resolve_entities=False,
            no_network=True,
            load_dtd=False,
            huge_tree=False,
            remove_comments=True,
            remove_pis=True,
        )
        root = etree.fromstring(content, parser)
    except (etree.LxmlError, LookupError, ValueError) as error:
        return Unreadable(locator, "invalid_xml", str(error))
    front = first(root, "front")
    meta = first(front, "article-meta")
    title = first(first(meta, "title-group"), "article-title")
    abstracts = [node for node in (meta if meta is not None else ()) if name_of(node) == "abstract"]
    # Others are graphical, or for reviewers.
    usual = [node for node in abstracts if node.get("abstract-type") is None] or abstracts[:1]
    body = first(root, "body")
    return Article(
        locator,
        tidy(inline(title)) if title is not None else "",
        "\n\n".join(part for node in usual for part in _blocks(node)),
        "\n\n".join(_blocks(body)) if body is not None else "",
        metadata_of(root, front, meta) if meta is not None else {},
    )


def _blocks(node: Any) -> Iterator[str]:
    for child in node:
        name = name_of(child)
        if name in SECTIONS:
            yield from _blocks(child)
        elif name and name not in LEFT_OUT and name not in ("sec-meta", "fn"):
            text = inline(child)
            if GONE in text:
                # Brackets in which there were only references go with them.
                text = re.sub(rf" *{GONE}", "", EMPTY.sub("", text))
            if text := tidy(text):
                yield text
