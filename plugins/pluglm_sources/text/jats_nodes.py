"""Elements of JATS: the text within one, and what the front matter says of an article."""

from __future__ import annotations

import re
from typing import Any

from pluglm_sources.text.dates import MONTHS, day_or_less
from pluglm_sources.text.licence_addresses import spdx

LEFT_OUT = {
    *("table-wrap", "fig", "fig-group", "graphic", "inline-graphic", "media", "supplementary-material", "ref-list"),
    *("object-id", "fn-group", "table-wrap-group", "label", "contrib-group", "permissions"),
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
# Stands where the number of a reference was.
GONE = "\ue000"
EMPTY = re.compile(rf"\s*[\[(][\s,;–{GONE}-]*{GONE}[\s,;–{GONE}-]*[\])]")


def name_of(node: Any) -> str:
    """An element's name without its namespace; "" for what is none."""
    return node.tag.rpartition("}")[2] if isinstance(node.tag, str) else ""


def first(node: Any, name: str) -> Any:
    """The first child of that name, or None, as for a node that is None."""
    return next((child for child in node if name_of(child) == name), None) if node is not None else None


def tidy(text: str) -> str:
    """Spaces as single ones, and no blank lines."""
    while "  " in text:
        text = text.replace("  ", " ")
    return re.sub(r" ?\n[ \n]*", "\n", text).strip() if "\n" in text else text.strip()


def _spaced(text: str | None) -> str:
    if not text:
        return ""
    inner = " ".join(text.split())
    return f"{' ' * text[0].isspace()}{inner}{' ' * text[-1].isspace()}" if inner else " "


def inline(node: Any) -> str:
    """The text of an element: lists as lines, formulas as TeX where it is given, numbers of references as `GONE`."""
    parts = [_spaced(node.text)]
    for child in node:
        parts += [_text_of(child), _spaced(child.tail)]
    return "".join(parts)


def _text_of(node: Any) -> str:
    name = name_of(node)
    if not name or name in LEFT_OUT:
        return ""
    if name == "alternatives":
        # The same formula in several forms.
        tex = next((inner for inner in node if name_of(inner) == "tex-math"), None)
        return "".join(_text_of(inner) for inner in ([tex] if tex is not None else node[:1]))
    if name == "tex-math":
        said = "".join(node.itertext())
        return match[1].strip() if (match := TEX.search(said)) else said.strip()
    if name == "math":
        return "".join("".join(node.itertext()).split())
    if name == "xref" and node.get("ref-type") == "bibr":
        # Numbers of references, which a superscript would set apart from the word before them.
        said = "".join(node.itertext())
        return said if re.search(r"[^\W\d_]", said) else GONE
    text = inline(node)
    if name == "list-item":
        return f"\n- {text.strip()}\n"
    return f"\n{text}\n" if name in BLOCKS else text


def metadata_of(root: Any, front: Any, meta: Any) -> dict[str, Any]:
    """Ids, authors, journal, first date, language, type and licence of an article."""
    found: dict[str, Any] = {}
    for node in meta:
        if name_of(node) == "article-id" and node.get("pub-id-type") in IDS and node.text:
            found[IDS[node.get("pub-id-type")]] = node.text.strip()
    authors = []
    for node in meta.iter():
        if name_of(node) == "contrib" and node.get("contrib-type") in (None, "author"):
            name = first(node, "name")
            if name is not None:
                parts = [first(name, "given-names"), first(name, "surname")]
                authors.append(" ".join(tidy(inline(part)) for part in parts if part is not None))
    if authors:
        found["authors"] = authors
    journal = next((node for node in front.iter() if name_of(node) == "journal-title"), None)
    if journal is not None:
        found["journal"] = tidy(inline(journal))
    dates = [date for node in meta if name_of(node) == "pub-date" and (date := _date(node))]
    if dates:
        found["published"] = min(dates)
    if root.get("{http://www.w3.org/XML/1998/namespace}lang"):
        found["language"] = root.get("{http://www.w3.org/XML/1998/namespace}lang").lower()
    if root.get("article-type"):
        found["article_type"] = root.get("article-type")
    licence = next((node for node in meta.iter() if name_of(node) == "license"), None)
    if licence is not None:
        given = [licence.get(LINK) or ""]
        given += [
            node.get(LINK) or node.text or "" for node in licence.iter() if name_of(node) in ("ext-link", "license_ref")
        ]
        said = tidy(inline(licence))
        known = next((name for text in (*given, said) if (name := spdx(text))), None)
        found["licence"] = known or next(filter(None, (*given, said[:200])), "")
    return {key: value for key, value in found.items() if value}


def _date(node: Any) -> str:
    parts = [first(node, name) for name in ("year", "month", "day")]
    said = [(part.text or "").strip() if part is not None else "" for part in parts]
    if not re.fullmatch(r"[0-9]{4}", said[0]) or said[0] == "0000":
        return ""
    month = said[1].lower()[:3]
    return day_or_less(said[0], MONTHS.index(month) + 1 if month in MONTHS else said[1], said[2])
