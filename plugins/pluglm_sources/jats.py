"""Articles in JATS, the XML of PubMed Central (https://jats.nlm.nih.gov/archiving/)."""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Any

from pluglm import Unreadable
from pluglm_sources.archives import Pieces
from pluglm_sources.licences import spdx
from pluglm_sources.local_files import BLOCK, reason_of

OPEN, CLOSE = re.compile(rb"<article(?=[\s>])"), re.compile(rb"</article\s*>")
DECLARED = re.compile(rb"""<\?xml[^>]{0,100}encoding=["']([A-Za-z0-9._-]{1,40})["']""")
LEFT_OUT = {
    *("table-wrap", "fig", "fig-group", "graphic", "inline-graphic", "media", "supplementary-material", "ref-list"),
    *("object-id", "fn-group", "table-wrap-group", "alternatives-none", "label", "contrib-group", "permissions"),
}
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
BLOCKS = {
    "p",
    "list",
    "list-item",
    "disp-formula",
    "def-list",
    "def-item",
    "disp-quote",
    "verse-line",
    "break",
    "title",
}
TEX = re.compile(r"\\begin\{document\}(.*?)\\end\{document\}", re.DOTALL)
IDS = {"pmid": "pmid", "pmc": "pmcid", "pmcid": "pmcid", "doi": "doi", "publisher-id": "publisher_id"}
LINK = "{http://www.w3.org/1999/xlink}href"


@dataclass(frozen=True, slots=True)
class Article:
    """An article's title, abstract and body as text, and what its front matter says."""

    title: str
    abstract: str
    body: str
    metadata: dict[str, Any] = field(default_factory=dict)


def articles_in(pieces: Pieces, place: str, most: int) -> Iterator[tuple[str, bytes, str] | Unreadable]:
    """Each `<article>` of a stream as (place, bytes, encoding), so that what is wrong with one does not touch the others.

    Nothing before an article is parsed; a declaration of entities there, which no article needs, ends the file's reading.
    """
    waiting, offset, encoding, found = b"", 0, "utf-8", False
    while True:
        block = pieces.take(BLOCK)
        waiting += block
        if offset == 0 and (declared := DECLARED.match(waiting.removeprefix(b"\xef\xbb\xbf"))):
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


def article(content: bytes, encoding: str = "utf-8") -> Article:
    """One `<article>` parsed.

    Raises:
        lxml.etree.XMLSyntaxError, LookupError: where it is not well-formed, or its encoding is not known.
    """
    from lxml import etree

    # Alone it has no DTD, so that a reference to an entity is an error, not an expansion.
    parser = etree.XMLParser(
        encoding=encoding,
        resolve_entities=False,
        no_network=True,
        load_dtd=False,
        huge_tree=False,
        remove_comments=True,
    )
    root = etree.fromstring(content, parser)
    etree.strip_tags(root, etree.ProcessingInstruction)
    front = _first(root, "front")
    meta = _first(front, "article-meta") if front is not None else None
    if meta is None:
        meta = front
    titles = _first(meta, "title-group") if meta is not None else None
    title = _first(titles, "article-title") if titles is not None else None
    abstracts = [node for node in (meta if meta is not None else ()) if _name(node) == "abstract"]
    # Others are graphical, or for reviewers.
    plain = [node for node in abstracts if node.get("abstract-type") is None] or abstracts[:1]
    body = _first(root, "body")
    return Article(
        _tidy(_inline(title)) if title is not None else "",
        "\n\n".join(part for node in plain for part in _blocks(node)),
        "\n\n".join(_blocks(body)) if body is not None else "",
        _metadata(root, front, meta) if meta is not None and front is not None else {},
    )


def _name(node: Any) -> str:
    return node.tag.rpartition("}")[2] if isinstance(node.tag, str) else ""


def _first(node: Any, name: str) -> Any:
    return next((child for child in node if _name(child) == name), None)


def _tidy(text: str) -> str:
    text = re.sub(r"[^\S\n]+", " ", text)
    return re.sub(r" ?\n[ \n]*", "\n", text).strip()


def _inline(node: Any) -> str:
    parts = [re.sub(r"\s+", " ", node.text or "")]
    for child in node:
        name = _name(child)
        if name == "alternatives":
            tex = next((inner for inner in child.iter() if _name(inner) == "tex-math"), None)
            parts.append(_inline(tex if tex is not None else child[0]) if len(child) else "")
        elif name == "tex-math":
            said = "".join(child.itertext())
            parts.append(match[1].strip() if (match := TEX.search(said)) else said.strip())
        elif name == "math":
            parts.append("".join("".join(child.itertext()).split()))
        elif name == "xref" and child.get("ref-type") == "bibr":
            # Numbers of references, which a superscript would set apart from the word before them.
            said = "".join(child.itertext())
            parts.append(said if re.search(r"[^\W\d_]", said) else "")
        elif name and name not in LEFT_OUT:
            text = ("- " if name == "list-item" else "") + _inline(child)
            parts.append(f"\n{text}\n" if name in BLOCKS else text)
        parts.append(re.sub(r"\s+", " ", child.tail or ""))
    return "".join(parts)


def _blocks(node: Any) -> Iterator[str]:
    for child in node:
        name = _name(child)
        if name in SECTIONS:
            yield from _blocks(child)
        elif name and name not in LEFT_OUT and name not in ("sec-meta", "fn"):
            text = _tidy(re.sub(r"\s*\[[\s,;–-]*\]|\(\s*[,;\s]*\)", "", _inline(child)))
            if text:
                yield re.sub(r" +(?=[.,;:])", "", text)


def _metadata(root: Any, front: Any, meta: Any) -> dict[str, Any]:
    found: dict[str, Any] = {}
    for node in meta:
        if _name(node) == "article-id" and node.get("pub-id-type") in IDS and node.text:
            found[IDS[node.get("pub-id-type")]] = node.text.strip()
    authors = []
    for node in meta.iter():
        if _name(node) == "contrib" and node.get("contrib-type") in (None, "author"):
            name = _first(node, "name")
            if name is not None:
                parts = [_first(name, "given-names"), _first(name, "surname")]
                authors.append(" ".join(_tidy(_inline(part)) for part in parts if part is not None))
    if authors:
        found["authors"] = authors
    journal = next((node for node in front.iter() if _name(node) == "journal-title"), None)
    if journal is not None:
        found["journal"] = _tidy(_inline(journal))
    dates = [date for node in meta if _name(node) == "pub-date" and (date := _date(node))]
    if dates:
        found["published"] = min(dates)
    if root.get("{http://www.w3.org/XML/1998/namespace}lang"):
        found["language"] = root.get("{http://www.w3.org/XML/1998/namespace}lang").lower()
    if root.get("article-type"):
        found["article_type"] = root.get("article-type")
    licence = next((node for node in meta.iter() if _name(node) == "license"), None)
    if licence is not None:
        given = [licence.get(LINK) or ""]
        given += [
            node.get(LINK) or node.text or "" for node in licence.iter() if _name(node) in ("ext-link", "license_ref")
        ]
        said = _tidy(_inline(licence))
        known = next((name for text in (*given, said) if (name := spdx(text))), None)
        found["licence"] = known or next(filter(None, (*given, said[:200])), "")
    return {key: value for key, value in found.items() if value}


def _date(node: Any) -> str:
    parts = [_first(node, name) for name in ("year", "month", "day")]
    said = [(part.text or "").strip() if part is not None else "" for part in parts]
    if not re.fullmatch(r"\d{4}", said[0]):
        return ""
    digits = [said[0], *(part.zfill(2) for part in said[1:] if part.isdigit())]
    return "-".join(digits)
