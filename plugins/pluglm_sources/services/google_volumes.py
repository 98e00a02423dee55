"""Volumes of the Google Books API (https://developers.google.com/books/docs/v1/reference/volumes)."""

from __future__ import annotations

import html
import json
import re
from collections.abc import Iterator, Mapping
from typing import Any

from pluglm_sources.files.values import DECODER
from pluglm_sources.text.dates import is_iso_date
from pluglm_sources.text.html_snippets import plain

VOLUME = re.compile(r'\{\s*"kind"\s*:\s*"books#volume"')
BETWEEN = re.compile(r"[\s,]*")
# Years of old books: 1883*, 185?, 19--
ABOUT = re.compile(r"\d{2,4}[-?*]{0,2}")
ITEMS = re.compile(r'"items"\s*:\s*\[')


def volumes_of(answer: object) -> list[Any] | None:
    """The volumes of an answer: a page of them, one, or a list of such; None where it is neither."""
    if isinstance(answer, list):
        found = [volumes_of(part) for part in answer]
        return None if None in found else [volume for part in found if part is not None for volume in part]
    if not isinstance(answer, dict):
        return None
    if answer.get("kind") == "books#volumes" or "items" in answer:
        items = answer.get("items", [])
        return items if isinstance(items, list) else None
    return [answer] if "volumeInfo" in answer else None


def salvaged(text: str) -> Iterator[tuple[int, dict[str, Any] | tuple[str, str]]]:
    """What can be read of an answer that is no good as a whole: (offset, volume), or (offset, (reason, detail)) for
    each stretch of damage, behind which it goes on at the next volume."""
    items = ITEMS.search(text)
    at = items.end() if items else 0
    while at < len(text):
        between = BETWEEN.match(text, at)
        at = between.end() if between else at
        following = VOLUME.search(text, at)
        if following is None and (at == len(text) or text[at] in "]}"):
            return
        try:
            volume, end = DECODER.raw_decode(text, at)
            json.dumps(volume, ensure_ascii=False).encode()
            if isinstance(volume, dict) and "volumeInfo" in volume:
                yield at, volume
                at = end
                continue
            wrong = ("not_a_volume", "no volumeInfo")
        except UnicodeEncodeError as error:
            character = ord(error.object[error.start])
            # A byte that was no UTF-8 stands in the text as surrogateescape writes it.
            wrong = ("invalid_utf8" if 0xDC80 <= character <= 0xDCFF else "lone_surrogate", f"U+{character:04X}")
        except (ValueError, RecursionError) as error:
            wrong = ("invalid_json", str(error))
        yield at, wrong
        following = VOLUME.search(text, at + 1)
        at = following.start() if following else len(text)


def text_of_volume(volume: Mapping[str, Any]) -> tuple[str, str]:
    """Title with subtitle, and description (or the snippet that a search found), as plain text.

    Raises:
        ValueError: where it has no title, or one of them is no text.
    """
    info = volume.get("volumeInfo")
    if not isinstance(info, dict):
        raise ValueError("no volumeInfo")
    search = volume.get("searchInfo")
    given = [info.get("title"), info.get("subtitle"), info.get("description")]
    given.append(search.get("textSnippet") if isinstance(search, dict) else None)
    if not isinstance(given[0], str) or not all(part is None or isinstance(part, str) for part in given):
        raise ValueError("title, subtitle, description or snippet is no text, or there is no title")
    title, subtitle, description, snippet = (html.unescape(part or "").strip() for part in given)
    return f"{title}: {subtitle}" if subtitle else title, plain(description or snippet)


def metadata_of(volume: Mapping[str, Any]) -> dict[str, Any]:
    """What the volume says of the book, as far as it is of the type that the API promises."""
    info = volume["volumeInfo"]
    found: dict[str, Any] = {}
    for key, name, kind in (
        ("authors", "authors", list),
        ("publisher", "publisher", str),
        ("publishedDate", "published", str),
        ("language", "language", str),
        ("categories", "categories", list),
        ("pageCount", "pages", int),
        ("infoLink", "url", str),
    ):
        value = info.get(key)
        if kind is list and isinstance(value, list):
            value = [part for part in value if isinstance(part, str)]
        if type(value) is kind and (key != "publishedDate" or is_iso_date(value) or ABOUT.fullmatch(str(value))):
            found[name] = value
    identifiers = info.get("industryIdentifiers")
    for identifier in identifiers if isinstance(identifiers, list) else []:
        if isinstance(identifier, dict) and str(identifier.get("type", "")).startswith("ISBN"):
            isbn = identifier.get("identifier")
            found |= {"isbn": isbn} if isinstance(isbn, str) else {}
    access = volume.get("accessInfo")
    if isinstance(access, dict):
        if isinstance(access.get("publicDomain"), bool):
            found["public_domain"] = access["publicDomain"]
        if isinstance(access.get("viewability"), str):
            found["viewability"] = access["viewability"]
    return found


def whole_text_link(volume: Mapping[str, Any]) -> str | None:
    """Where the EPUB of a book lies that is in the public domain and may be read wholly; else None."""
    access = volume.get("accessInfo")
    if (
        not isinstance(access, dict)
        or access.get("publicDomain") is not True
        or access.get("viewability") != "ALL_PAGES"
    ):
        return None
    epub = access.get("epub")
    link = epub.get("downloadLink") if isinstance(epub, dict) and epub.get("isAvailable") is True else None
    return link if isinstance(link, str) else None
