"""A client that brings resources over HTTP into a store, and is hard to harm."""

from __future__ import annotations

import os
import re
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime
from functools import partial
from pathlib import Path
from typing import Any
from urllib.parse import quote, quote_plus, urljoin, urlsplit

import urllib3
from urllib3.exceptions import HTTPError

from pluglm_sources.http.fetched import Fetched, FetchError
from pluglm_sources.http.request import send
from pluglm_sources.http.retry import AGAIN, Again, again_after, patience_of, persist
from pluglm_sources.http.store import BLOCK, Entry, is_packed, validator

MAX_REDIRECTS = 10
# The client gives a transfer this many times its timeout in all, against servers that send a byte at a time ...
SLOWEST = 10
# ... and whatever time the bytes it got take at this rate (bytes a second).
LEAST_RATE = 10_000
SIZE = re.compile("[0-9]{1,18}")
REDIRECTS = (301, 302, 303, 307, 308)
GONE = (404, 410)


@dataclass(slots=True)
class _Wish:
    """One `get`, as it is followed through redirects and retries."""

    entry: Entry
    headers: Mapping[str, str]
    secret: Mapping[str, str]
    secret_headers: Mapping[str, str]
    types: tuple[str, ...]
    allowed: Callable[[str], None] | None
    kept: Fetched | None = None


@dataclass(slots=True)
class Client:
    """GET over HTTP into `store`; what is complete there is not asked for again unless `refresh`.

    Every address is checked after it was resolved, and the connection goes to the very address that was checked, for
    the first request as for each redirect; a name that resolves otherwise the next time gains nothing.
    """

    store: Path
    user_agent: str
    timeout: float = 30.0
    retries: int = 5
    backoff: float = 0.5
    delay: float = 0.5
    max_bytes: int = 1 << 30
    allow_private_hosts: bool = False
    refresh: bool = False
    _pools: urllib3.PoolManager = field(default_factory=lambda: urllib3.PoolManager(num_pools=20), init=False)
    _delays: dict[str, float] = field(default_factory=dict, init=False)
    _next: dict[str, float] = field(default_factory=dict, init=False)

    def get(
        self,
        url: str,
        *,
        headers: Mapping[str, str] | None = None,
        secret: Mapping[str, str] | None = None,
        secret_headers: Mapping[str, str] | None = None,
        types: tuple[str, ...] = (),
        allowed: Callable[[str], None] | None = None,
        refresh: bool | None = None,
    ) -> Fetched:
        """The resource at `url`, from the store or from the network.

        `secret` (parameters of the query) and `secret_headers` are sent to the host of `url` alone and appear in
        nothing that is stored or said. With `types`, a body of another media type is not transferred. `allowed` is
        asked about the target of every redirect, and raises FetchError where it must not be followed. `refresh` stands
        in for the client's own.

        Raises:
            FetchError: where it cannot be had.
            OSError: where the store cannot be written.
        """
        url = url.partition("#")[0]
        try:
            entry = Entry(self.store, url)
            with entry.alone():
                kept = entry.kept()
                if kept is not None and not (self.refresh if refresh is None else refresh):
                    if isinstance(kept, FetchError):
                        raise kept
                    return kept
                old = kept if isinstance(kept, Fetched) else None
                wish = _Wish(entry, headers or {}, secret or {}, secret_headers or {}, types, allowed, old)
                return self._follow(wish)
        except FetchError as error:
            raise FetchError(error.reason, _redacted(error.detail, secret, secret_headers)) from None
        except ValueError as error:
            raise FetchError("bad_url", f"{url[:200]}: {error}") from None

    def slow_down(self, url: str, seconds: float) -> None:
        """Leave at least this many seconds between two requests to the host of `url`."""
        self._delays[urlsplit(url).netloc] = seconds

    def _follow(self, wish: _Wish) -> Fetched:
        url, seen = wish.entry.url, set[str]()
        while True:
            if url in seen:
                raise FetchError("redirect_loop", f"led back to {url}")
            if len(seen) > MAX_REDIRECTS:
                raise FetchError("too_many_redirects", f"more than {MAX_REDIRECTS}")
            seen.add(url)
            got = persist(partial(self._once, url, wish), url, self.retries, self.backoff)
            if isinstance(got, Fetched):
                return got
            url = got.partition("#")[0]
            if wish.allowed is not None:
                wish.allowed(url)

    def _once(self, url: str, wish: _Wish) -> Fetched | str:
        begun, begun_headers = wish.entry.begun()
        headers = {
            "User-Agent": self.user_agent,
            "Accept-Encoding": "identity" if is_packed(wish.entry.url) else "gzip",
        }
        headers |= wish.headers
        if urlsplit(url)[:2] == urlsplit(wish.entry.url)[:2]:
            headers |= wish.secret_headers
        if begun:
            headers |= {"Range": f"bytes={begun}-", "If-Range": validator(begun_headers) or ""}
        elif wish.kept is not None and wish.kept.final_url == url:
            known = {"etag": "If-None-Match", "last-modified": "If-Modified-Since"}
            headers |= {name: wish.kept.headers[key] for key, name in known.items() if key in wish.kept.headers}
        self._wait(urlsplit(url).netloc)
        secret = wish.secret if url == wish.entry.url else {}
        try:
            response = send(self._pools, url, headers, secret, self.timeout, self.allow_private_hosts)
        except (HTTPError, OSError, UnicodeError) as error:
            raise again_after(error, url) from None
        try:
            return self._answer(url, wish, response, begun, begun_headers)
        # No OSError: that would be the disk's, which no other try helps.
        except HTTPError as error:
            raise again_after(error, url) from None
        finally:
            # What was not read to its end must not be taken for the next answer.
            if response.length_remaining == 0:
                response.drain_conn()
            elif not response.closed:
                response.close()
            response.release_conn()

    def _answer(
        self,
        url: str,
        wish: _Wish,
        response: urllib3.BaseHTTPResponse,
        begun: int,
        begun_headers: Mapping[str, str],
    ) -> Fetched | str:
        status, entry = response.status, wish.entry
        headers = {name.lower(): value for name, value in response.headers.items() if name.lower() != "set-cookie"}
        if status in REDIRECTS and "location" in headers:
            return urljoin(url, headers["location"])
        if status == 304 and wish.kept is not None:
            return wish.kept
        part = headers.get("content-range", "") if status == 206 else ""
        if status == 416 or (status == 206 and not (begun and part.startswith(f"bytes {begun}-"))):
            entry.forget_part()
            raise Again(FetchError("protocol_error", f"{url} sent a wrong range"))
        error = FetchError(f"http_{status}", f"{url} answered {status} {response.reason or ''}".rstrip())
        if status in AGAIN:
            raise Again(error, patience_of(headers.get("retry-after")))
        if status in GONE:
            entry.keep_failure(error)
        if status not in (200, 206):
            raise error
        if status == 200:
            begun, begun_headers = 0, headers
        about = {name: _redacted(value, wish.secret, wish.secret_headers) for name, value in begun_headers.items()}
        fetched = Fetched(entry.url, _redacted(url, wish.secret, None), entry.body, 200, "", about, _now())
        fetched = replace(fetched, content_type=about.get("content-type", ""))
        if wish.types and fetched.media_type and fetched.media_type not in wish.types:
            raise FetchError("other_type", f"{url} is {fetched.media_type}")
        encoding = "" if is_packed(entry.url) else begun_headers.get("content-encoding", "").strip().lower()
        if begun == 0:
            entry.begin(about)
        length, whole = headers.get("content-length", ""), part.rpartition("/")[2]
        expected = int(whole) if SIZE.fullmatch(whole) else begun + int(length) if SIZE.fullmatch(length) else None
        self._transfer(url, response, entry, begun, expected)
        told = {name: getattr(fetched, name) for name in ("url", "final_url", "status", "content_type", "retrieved")}
        return entry.finish({**told, "headers": about}, encoding, self.max_bytes)

    def _transfer(
        self, url: str, response: urllib3.BaseHTTPResponse, entry: Entry, begun: int, expected: int | None
    ) -> None:
        size, start = begun, time.monotonic()
        too_large = FetchError("too_large", f"{url} has more than {self.max_bytes} bytes")
        if expected is not None and expected > self.max_bytes:
            entry.forget_part()
            raise too_large
        with entry.part.open("ab" if begun else "wb") as file:
            while block := response.read1(BLOCK, decode_content=False):
                size += len(block)
                if size > self.max_bytes:
                    entry.forget_part()
                    raise too_large
                file.write(block)
                if time.monotonic() - start > self.timeout * SLOWEST + (size - begun) / LEAST_RATE:
                    raise FetchError("timeout", f"{url} sent {size - begun} bytes too slowly")
            file.flush()
            os.fsync(file.fileno())
        if expected is not None and size != expected:
            raise Again(FetchError("truncated", f"{url}: {size} bytes of {expected}"))

    def _wait(self, host: str) -> None:
        now = time.monotonic()
        start = max(now, self._next.get(host, 0.0))
        self._next[host] = start + self._delays.get(host, self.delay)
        time.sleep(start - now)


def _redacted(text: str, *secrets: Mapping[str, Any] | None) -> str:
    for value in (str(value) for group in secrets if group for value in group.values()):
        for form in {value, quote(value), quote(value, safe=""), quote_plus(value)} - {""}:
            text = text.replace(form, "***")
    return text


def _now() -> str:
    return datetime.now(UTC).isoformat(timespec="seconds")
