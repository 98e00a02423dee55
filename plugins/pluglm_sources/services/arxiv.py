"""What files of arXiv say of a paper: its id in their names, the rows of the metadata snapshot."""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Any

from pluglm_sources.text.dates import is_iso_date
from pluglm_sources.text.licence_addresses import spdx

# https://info.arxiv.org/help/arxiv_identifier.html: 0704.0001v2, and before 2007 astro-ph/0001001 (in names without /)
ID = re.compile(r"(?:^|/)(?:(\d{4}\.\d{4,5})|([a-z-]+(?:\.[A-Z]{2})?)[_/]?(\d{7}))(v\d+)?(?=\.[a-z]|$)")
KEPT = {"doi": "doi", "journal-ref": "journal", "update_date": "updated", "report-no": "report", "comments": "comments"}


def arxiv_id(name: str) -> str | None:
    """The id in the name of a file: `0704.0001v2.gz`, `astro-ph0001001.tar.gz`."""
    match = ID.search(name)
    if match is None:
        return None
    return (match[1] or f"{match[2]}/{match[3]}") + (match[4] or "")


def snapshot_row(row: object) -> tuple[str, str, dict[str, Any]]:
    """Title, abstract and metadata of a row of the snapshot (https://www.kaggle.com/datasets/Cornell-University/arxiv).

    Raises:
        ValueError: where it has no id, title or abstract that is text.
    """
    if not isinstance(row, Mapping):
        raise ValueError(f"a {type(row).__name__}, no object")
    title, abstract, number = row.get("title"), row.get("abstract"), row.get("id")
    if not (isinstance(title, str) and isinstance(abstract, str) and isinstance(number, str)):
        raise ValueError("no id, title or abstract that is text")
    categories = row.get("categories")
    metadata: dict[str, Any] = {"arxiv_id": number}
    metadata["categories"] = categories.split() if isinstance(categories, str) else []
    metadata |= {name: row[key] for key, name in KEPT.items() if isinstance(row.get(key), str)}
    authors = row.get("authors_parsed")
    if isinstance(authors, list) and all(isinstance(name, list) and len(name) > 1 for name in authors):
        # Family name, given names, suffix, affiliations.
        metadata["authors"] = [
            " ".join(part for part in (name[1], name[0], *name[2:3]) if isinstance(part, str) and part)
            for name in authors
        ]
    if not is_iso_date(metadata.get("updated")):
        metadata.pop("updated", None)
    if isinstance(row.get("license"), str):
        metadata["licence"] = spdx(row["license"]) or row["license"]
    return title, abstract, metadata


def unwrapped(text: str) -> str:
    """An abstract without the line ends of its form, in which an indented line begins a paragraph."""
    return "\n\n".join(" ".join(part.split()) for part in re.split(r"\n(?=[ \t]{2})", text.strip()))


def in_categories(found: list[str], wanted: tuple[str, ...]) -> bool:
    """Whether one of a paper's categories (cs.CL), or its archive (cs), is wanted."""
    return any(name in wanted or name.partition(".")[0] in wanted for name in found)
