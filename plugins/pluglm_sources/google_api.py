"""What the Google Books API is asked (https://developers.google.com/books/docs/v1/using)."""

from __future__ import annotations

import json
import os
from collections.abc import Callable, Iterator
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Any
from urllib.parse import quote, urlencode

from pluglm import Unreadable
from pluglm_sources.fetched import Fetched, FetchError
from pluglm_sources.google_volumes import volumes_of, whole_text_link

if TYPE_CHECKING:
    from pluglm_sources.google_books import GoogleBooks

KEY = "GOOGLE_BOOKS_API_KEY"
# The most that the API gives at once.
PAGE = 40


def answers(books: GoogleBooks, store: Path, say: Callable[[str], None]) -> Iterator[Fetched | Unreadable]:
    """The volumes asked for by id, the pages of the query, and behind each the EPUBs of its volumes that may be had
    whole, if these are wanted."""
    client = books.client(store)
    key = os.environ.get(KEY, "")

    def asked(url: str, secret: dict[str, str], **extra: str) -> Fetched | Unreadable:
        try:
            return replace(client.get(url, secret=secret), extra=extra)
        except FetchError as error:
            hint = f"; {KEY} may hold a key" if error.reason in ("http_403", "http_429") and not key else ""
            say(f"{url}: {error.reason}{hint}")
            return error.unreadable(url)

    for url in _addresses(books):
        page = asked(url, {"key": key} if key else {})
        yield page
        volumes = [] if isinstance(page, Unreadable) else _volumes_in(page.path)
        if books.full_text:
            for volume in volumes:
                if link := whole_text_link(volume):
                    # Links are elsewhere, and no key goes there.
                    yield asked(link, {}, volume=str(volume.get("id")))
        # The total that it tells changes from page to page: an empty page is the end.
        if not volumes and "startIndex=" in url:
            return


def _addresses(books: GoogleBooks) -> Iterator[str]:
    for number in books.volumes:
        yield f"{books.api}/volumes/{quote(number, safe='')}"
    for start in range(0, books.max_volumes if books.query else 0, PAGE):
        size = min(PAGE, books.max_volumes - start)
        wanted = {"q": books.query, "startIndex": start, "maxResults": size, "printType": "books"}
        if len(books.languages) == 1:
            wanted["langRestrict"] = books.languages[0]
        yield f"{books.api}/volumes?{urlencode(wanted)}"


def _volumes_in(path: Path) -> list[dict[str, Any]]:
    try:
        found = volumes_of(json.loads(path.read_bytes()))
    except (ValueError, RecursionError, OSError):
        return []
    return [volume for volume in found or [] if isinstance(volume, dict)]
