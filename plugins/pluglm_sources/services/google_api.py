"""What the Google Books API is asked (https://developers.google.com/books/docs/v1/using)."""

from __future__ import annotations

import json
import os
from collections.abc import Callable, Iterator
from dataclasses import dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING, Any
from urllib.parse import quote, urlencode

from pluglm import Unreadable
from pluglm_sources.http.fetched import Fetched, FetchError
from pluglm_sources.services.google_volumes import volumes_of, whole_text_link

if TYPE_CHECKING:
    from pluglm_sources.http.client import Client

KEY = "GOOGLE_BOOKS_API_KEY"
# The most that the API gives at once.
PAGE = 40


@dataclass(frozen=True, slots=True)
class Request:
    """What is asked of the API at the address `api`.

    Attributes:
        volumes: ids of volumes.
        query: a search, or "".
        max_volumes: volumes of the search at most.
        language: the only language searched for, or "".
        full_text: whether the EPUBs that may be read wholly are fetched too.
    """

    api: str
    volumes: tuple[str, ...]
    query: str
    max_volumes: int
    language: str
    full_text: bool


def answers(request: Request, client: Client, say: Callable[[str], None]) -> Iterator[Fetched | Unreadable]:
    """The volumes asked for by id, the pages of the query, and behind each the EPUBs of its volumes that may be had
    whole, if these are wanted."""
    key = os.environ.get(KEY, "")

    def asked(url: str, secret: dict[str, str], **extra: str) -> Fetched | Unreadable:
        try:
            return replace(client.get(url, secret=secret), extra=extra)
        except FetchError as error:
            hint = f"; {KEY} may hold a key" if error.reason in ("http_403", "http_429") and not key else ""
            say(f"{url}: {error.reason}{hint}")
            return error.unreadable(url)

    for url in _addresses(request):
        page = asked(url, {"key": key} if key else {})
        yield page
        volumes = [] if isinstance(page, Unreadable) else _volumes_in(page.path)
        if request.full_text:
            for volume in volumes:
                if link := whole_text_link(volume):
                    # Links are elsewhere, and no key goes there.
                    yield asked(link, {}, volume=str(volume.get("id")))
        # The total that it tells changes from page to page: an empty page is the end.
        if not volumes and "startIndex=" in url:
            return


def _addresses(request: Request) -> Iterator[str]:
    for number in request.volumes:
        yield f"{request.api}/volumes/{quote(number, safe='')}"
    for start in range(0, request.max_volumes if request.query else 0, PAGE):
        size = min(PAGE, request.max_volumes - start)
        wanted = {"q": request.query, "startIndex": start, "maxResults": size, "printType": "books"}
        if request.language:
            wanted["langRestrict"] = request.language
        yield f"{request.api}/volumes?{urlencode(wanted)}"


def _volumes_in(path: Path) -> list[dict[str, Any]]:
    try:
        found = volumes_of(json.loads(path.read_bytes()))
    except (ValueError, RecursionError, OSError):
        return []
    return [volume for volume in found or [] if isinstance(volume, dict)]
