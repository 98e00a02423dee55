"""One request of HTTP, sent to an address that was looked at first."""

from __future__ import annotations

import socket
import threading
from collections.abc import Mapping
from contextlib import suppress
from http.client import HTTPException
from typing import Any
from urllib.parse import SplitResult, quote, urlencode, urlsplit

import urllib3
from urllib3 import HTTPResponse
from urllib3.connection import HTTPConnection, HTTPSConnection
from urllib3.exceptions import NewConnectionError

from pluglm_sources.http.fetched import FetchError
from pluglm_sources.http.private_hosts import addresses_of, is_metadata, is_public

SLOWEST = 10
"""Headers may take so many times the timeout in all; the timeout itself is for each piece that arrives."""
PORTS = {"http": 80, "https": 443}
PATH, QUERY = "/%:@!$&'()*+,;=~-._", "/?%:@!$&'()*+,;=~-._[]"


class LimitedHeaders(HTTPConnection):
    """A connection whose answer must begin in time: a server can send a byte of its headers at a time for ever."""

    def getresponse(self) -> HTTPResponse:  # type: ignore[override]
        """Raises:
        TimeoutError: where the headers are not there after `SLOWEST` times the timeout.
        """
        late = threading.Event()

        def cut() -> None:
            late.set()
            with suppress(OSError, AttributeError):
                self.sock.shutdown(socket.SHUT_RDWR)

        each = self.timeout if isinstance(self.timeout, int | float) else 60.0
        timer = threading.Timer(SLOWEST * each, cut)
        timer.daemon = True
        timer.start()
        try:
            answer = super().getresponse()
        except (OSError, HTTPException):
            if late.is_set():
                raise TimeoutError("the headers arrive too slowly") from None
            raise
        finally:
            timer.cancel()
        # Headers that were cut look as if they had ended.
        if late.is_set():
            raise TimeoutError("the headers arrive too slowly")
        return answer


class LimitedHeadersTLS(LimitedHeaders, HTTPSConnection):
    """The same over TLS."""


LIMITED: dict[str, Any] = {"http": LimitedHeaders, "https": LimitedHeadersTLS}


def send(
    pools: urllib3.PoolManager,
    url: str,
    headers: Mapping[str, str],
    secret: Mapping[str, str],
    timeout: float,
    allow_private_hosts: bool,
) -> urllib3.BaseHTTPResponse:
    """The answer to a GET, its body not read yet; `secret` is added to the query.

    The status line and the headers must be there after ten times `timeout`, the body is not read yet. The connection
    goes to the very address that was checked: the name is not resolved again.

    Raises:
        FetchError: bad_url, private_host.
        HTTPError, OSError, UnicodeError: where there was no answer.
    """
    parts, host, port = _place(url)
    addresses = addresses_of(host, port)
    refused = [address for address in addresses if not is_public(address)]
    metadata = [address for address in addresses if is_metadata(address)]
    if metadata:
        reason = "a link-local address or a cloud's metadata service, which no source asks"
        raise FetchError("private_host", f"{host} is {metadata[0]}, {reason}")
    if refused and not allow_private_hosts:
        raise FetchError("private_host", f"{host} is {refused[0]}; allow_private_hosts=true would allow it")
    named = f"[{host}]" if ":" in host else host
    target = quote(parts.path or "/", safe=PATH)
    query = "&".join(filter(None, [quote(parts.query, safe=QUERY), urlencode(secret)]))
    failure: Exception | None = None
    for address in addresses:
        pool = pools.connection_from_host(
            address, port, parts.scheme, {"server_hostname": host, "assert_hostname": host}
        )
        pool.ConnectionCls = LIMITED[parts.scheme]
        try:
            return pool.urlopen(
                "GET",
                target + (f"?{query}" if query else ""),
                headers={"Host": named if port == PORTS[parts.scheme] else f"{named}:{port}", **headers},
                retries=False,
                redirect=False,
                assert_same_host=False,
                preload_content=False,
                decode_content=False,
                timeout=urllib3.Timeout(connect=timeout, read=timeout),
            )
        except NewConnectionError as error:
            failure = error
    raise failure or OSError("resolves to no address")


def _place(url: str) -> tuple[SplitResult, str, int]:
    parts = urlsplit(url)
    host = parts.hostname or ""
    if parts.scheme not in PORTS or not host:
        raise FetchError("bad_url", f"{url[:200]} is not http or https")
    if parts.username is not None or parts.password is not None:
        raise FetchError("bad_url", f"credentials in the URL of {host}; keys come from the environment")
    try:
        return parts, host if host.isascii() else host.encode("idna").decode(), parts.port or PORTS[parts.scheme]
    except ValueError as error:
        raise FetchError("bad_url", f"{url[:200]}: {error}") from None
