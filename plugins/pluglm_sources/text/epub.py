"""The text of EPUB files (https://www.w3.org/TR/epub-33/)."""

from __future__ import annotations

import posixpath
import re
from pathlib import Path
from typing import Any
from urllib.parse import unquote

from pluglm import Unreadable
from pluglm_sources.packed.zip_archives import zip_members

BLOCKS = {"p", "div", "h1", "h2", "h3", "h4", "h5", "h6", "li", "tr", "blockquote", "br", "hr", "pre", "section"}
LEFT_OUT = {"head", "script", "style", "nav", "svg", "img"}


def epub_text(path: Path, most: int) -> str | Unreadable:
    """The chapters in the order of the spine, as plain text, or why there is none; `most` bytes unpacked at most."""
    wanted = (".xml", ".opf", ".xhtml", ".html", ".htm")
    files: dict[str, bytes] = {}
    for member in zip_members(path, str(path), most, lambda name: name.lower().endswith(wanted)):
        if isinstance(member, Unreadable):
            return member
        files[member.name] = member.content
    container = _tree(files.get("META-INF/container.xml"))
    roots = [node.get("full-path") for node in container.iter("{*}rootfile")] if container is not None else []
    package = _tree(files.get(roots[0] or "")) if roots else None
    if package is None:
        return Unreadable(str(path), "not_epub", "no package document")
    folder = posixpath.dirname(roots[0] or "")
    names = {node.get("id"): unquote(node.get("href") or "") for node in package.iter("{*}item")}
    order = [names.get(node.get("idref"), "") for node in package.iter("{*}itemref") if node.get("linear") != "no"]
    chapters = []
    for name in order:
        tree = _tree(files.get(posixpath.normpath(posixpath.join(folder, name))))
        if tree is None:
            return Unreadable(f"{path}:{name}", "damaged_chapter", "missing, or not well-formed")
        chapters.append(re.sub(r"\s*\n\s*\n\s*", "\n\n", re.sub(r"[^\S\n]+", " ", _text(tree))).strip())
    text = "\n\n".join(filter(None, chapters))
    return text or Unreadable(str(path), "no_text")


def _tree(content: bytes | None) -> Any:
    from lxml import etree

    if content is None or b"<!ENTITY" in content:
        return None
    parser = etree.XMLParser(
        resolve_entities=False, no_network=True, load_dtd=False, huge_tree=False, remove_comments=True, remove_pis=True
    )
    try:
        # A declaration must be the first that stands in a file.
        return etree.fromstring(content.lstrip(), parser)
    except (etree.LxmlError, ValueError):
        return None


def _text(node: Any) -> str:
    name = node.tag.rpartition("}")[2] if isinstance(node.tag, str) else ""
    if name in LEFT_OUT:
        return ""
    parts = [re.sub(r"\s+", " ", node.text or "") if name else ""]
    for child in node:
        parts += [_text(child), re.sub(r"\s+", " ", child.tail or "")]
    text = "".join(parts)
    return f"\n\n{text}\n\n" if name in BLOCKS else text
