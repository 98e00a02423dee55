"""A web server for tests, with every fault that a client meets outside."""

from __future__ import annotations

import gzip
import threading
import time
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any
from urllib.parse import parse_qs, urlsplit

import pytest


@dataclass
class Page:
    """What the server answers at a path."""

    body: bytes = b""
    content_type: str = "text/html; charset=utf-8"
    status: int = 200
    headers: Mapping[str, str] = field(default_factory=dict)
    # Answers to the first requests, before the page itself.
    first: list[Page] = field(default_factory=list)
    # Content-Length as told; None for the truth, "" for none.
    length: str | None = None
    # Bytes after which the connection breaks off.
    stop_after: int | None = None
    # Seconds between two pieces of so many bytes.
    pause: float = 0.0
    piece: int = 1 << 16
    chunked: bool = False
    ranges: bool = False


@dataclass
class Asked:
    """A request that came in."""

    path: str
    query: dict[str, list[str]]
    headers: dict[str, str]
    at: float


@dataclass
class Server:
    """Pages by path, and what was asked for."""

    url: str
    pages: dict[str, Page | Callable[[str], Page]]
    asked: list[Asked]

    def add(self, path: str, body: bytes | str = b"", **values: Any) -> str:
        """Serve a page; its URL."""
        self.pages[path] = Page(body.encode() if isinstance(body, str) else body, **values)
        return self.url + path

    def paths(self) -> list[str]:
        """What was asked for, in order, with queries."""
        return [asked.path for asked in self.asked]


class Handler(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    # Without these each answer waits for the other side's delayed acknowledgement (40 ms).
    disable_nagle_algorithm = True
    wbufsize = 1 << 16
    pages: dict[str, Page | Callable[[str], Page]]
    asked: list[Asked]

    def log_message(self, *_: Any) -> None:
        pass

    def do_GET(self) -> None:
        parts = urlsplit(self.path)
        headers = {name.lower(): value for name, value in self.headers.items()}
        self.asked.append(Asked(self.path, parse_qs(parts.query), headers, time.monotonic()))
        found = self.pages.get(self.path) or self.pages.get(parts.path) or self.pages.get("*")
        page = found(self.path) if callable(found) else found
        page = page or Page(b"Not here", "text/plain", 404)
        if page.first:
            page = page.first.pop(0)
        status, body, told = page.status, page.body, {"Content-Type": page.content_type, **page.headers}
        etag, changed = told.get("ETag"), told.get("Last-Modified")
        if (etag and headers.get("if-none-match") == etag) or (
            changed and "if-none-match" not in headers and headers.get("if-modified-since") == changed
        ):
            status, body = 304, b""
        wanted = headers.get("range", "")
        if page.ranges and wanted and headers.get("if-range") in (etag, changed):
            start = int(wanted.removeprefix("bytes=").partition("-")[0])
            told["Content-Range"] = f"bytes {start}-{len(body) - 1}/{len(body)}"
            status, body = 206, body[start:]
        self._send(page, status, body, told)

    def _send(self, page: Page, status: int, body: bytes, told: dict[str, str]) -> None:
        self.send_response(status)
        for name, value in told.items():
            self.send_header(name, value)
        if page.chunked:
            self.send_header("Transfer-Encoding", "chunked")
        elif page.length != "" and status != 304:
            self.send_header("Content-Length", page.length or str(len(body)))
        if page.length is not None or page.stop_after is not None:
            self.send_header("Connection", "close")
            self.close_connection = True
        self.end_headers()
        sent = body if page.stop_after is None else body[: page.stop_after]
        try:
            for at in range(0, len(sent), page.piece):
                piece = sent[at : at + page.piece]
                self.wfile.write(b"%x\r\n%s\r\n" % (len(piece), piece) if page.chunked else piece)
                self.wfile.flush()
                time.sleep(page.pause)
            if page.chunked and page.stop_after is None:
                self.wfile.write(b"0\r\n\r\n")
        except OSError:
            self.close_connection = True


class QuietServer(ThreadingHTTPServer):
    daemon_threads = True

    def handle_error(self, *_: Any) -> None:
        """Clients that hang up are what these tests are about."""


@pytest.fixture
def server() -> Iterator[Server]:
    """A server on 127.0.0.1, alone for one test."""
    made = type("OwnHandler", (Handler,), {"pages": {}, "asked": []})
    with QuietServer(("127.0.0.1", 0), made) as http:
        thread = threading.Thread(target=http.serve_forever, args=(0.02,), daemon=True)
        thread.start()
        yield Server(f"http://127.0.0.1:{http.server_address[1]}", made.pages, made.asked)  # type: ignore[attr-defined]
        http.shutdown()


@pytest.fixture
def packed() -> Callable[[bytes], bytes]:
    """gzip, the same bytes each time."""
    return lambda content: gzip.compress(content, mtime=0)
