"""The HTTP client against a server that is slow, lies, breaks off, redirects in circles and sends bombs."""

from __future__ import annotations

import email.utils
import errno
import gzip
import json
import os
import socket
import subprocess
import sys
import threading
import time
import zlib
from collections.abc import Iterator
from contextlib import suppress
from pathlib import Path
from typing import Any

import pytest
import urllib3

from pluglm import Document, Unreadable, __version__
from pluglm_sources.http.client import Client
from pluglm_sources.http.fetched import Fetched, FetchError, is_settled, read_record, record_inputs
from pluglm_sources.http.private_hosts import is_public
from pluglm_sources.http.remote import Remote
from pluglm_sources.http.store import Entry

BODY = bytes(range(256)) * 2000


class Plain(Remote):
    """What `Remote` gives a source."""

    def read(self) -> Iterator[Document]:
        yield Document("")

    def inputs(self) -> list[Path]:
        return []


def client(folder: Path, **values: Any) -> Client:
    values = {"allow_private_hosts": True, "delay": 0, "backoff": 0, "retries": 3, "timeout": 5, **values}
    return Plain(**values).client(folder)


def reason(folder: Path, url: str, **values: Any) -> str:
    with pytest.raises(FetchError) as caught:
        client(folder, **values).get(url)
    return caught.value.reason


def left(folder: Path) -> list[str]:
    """Files of the store that are not locks."""
    return sorted(path.name for path in folder.rglob("*") if path.is_file() and path.name != ".lock")


def test_what_was_fetched_is_there_with_its_headers_and_time(server: Any, tmp_path: Path) -> None:
    url = server.add("/a", BODY, content_type='text/plain; Charset="ISO-8859-1"', headers={"Set-Cookie": "id=1"})
    got = client(tmp_path, contact="https://example.org/bot").get(url + "#part")
    assert got.path.read_bytes() == BODY
    assert (got.url, got.final_url, got.status, got.media_type, got.charset) == (
        url,
        url,
        200,
        "text/plain",
        "iso-8859-1",
    )
    assert got.headers["content-length"] == str(len(BODY)) and "set-cookie" not in got.headers
    assert got.retrieved.endswith("+00:00")
    assert server.asked[0].headers["user-agent"] == f"pluglm/{__version__} (+https://example.org/bot)"
    assert client(tmp_path).get(url) == got
    assert len(server.asked) == 1, "what is complete in the store needs no network"


def test_refresh_asks_only_for_what_changed(server: Any, tmp_path: Path) -> None:
    tagged = server.add("/a", "old", headers={"ETag": '"1"'})
    dated = server.add("/b", "old", headers={"Last-Modified": "Tue, 03 Jan 2023 10:00:00 GMT"})
    first = [client(tmp_path).get(url) for url in (tagged, dated)]
    again = [client(tmp_path, refresh=True).get(url) for url in (tagged, dated)]
    assert again == first, "304 leaves body and time of retrieval as they were"
    assert server.asked[2].headers["if-none-match"] == '"1"'
    assert server.asked[3].headers["if-modified-since"] == "Tue, 03 Jan 2023 10:00:00 GMT"
    server.add("/a", "new", headers={"ETag": '"2"'})
    assert client(tmp_path, refresh=True).get(tagged).path.read_bytes() == b"new"
    assert client(tmp_path).get(tagged).headers["etag"] == '"2"'


@pytest.mark.parametrize("chunked", [False, True])
def test_a_transfer_that_breaks_off_goes_on_where_it_was(server: Any, tmp_path: Path, chunked: bool) -> None:
    same = {"ETag": '"v1"'}
    url = server.add("/a", BODY, headers=same, ranges=True)
    page = server.pages["/a"]
    page.first = [type(page)(BODY, headers=same, stop_after=100_000, chunked=chunked)]
    assert client(tmp_path).get(url).path.read_bytes() == BODY
    assert server.asked[1].headers["range"] == "bytes=100000-"
    assert server.asked[1].headers["if-range"] == '"v1"'


def test_a_transfer_goes_on_in_the_next_run(server: Any, tmp_path: Path) -> None:
    url = server.add("/a", BODY, headers={"ETag": '"v1"'}, stop_after=100_000)
    assert reason(tmp_path, url, retries=0) == "truncated"
    server.add("/a", BODY, headers={"ETag": '"v1"'}, ranges=True)
    assert client(tmp_path).get(url).path.read_bytes() == BODY
    assert server.asked[-1].headers["range"] == "bytes=100000-"
    assert not [name for name in left(tmp_path) if "part" in name]


def test_a_process_that_was_killed_while_it_fetched_leaves_no_half_body(server: Any, tmp_path: Path) -> None:
    same = {"ETag": '"v1"'}
    url = server.add("/a", BODY, headers=same, ranges=True)
    server.pages["/a"].first = [type(server.pages["/a"])(BODY, headers=same, pause=0.2, piece=20_000)]
    code = "from pathlib import Path; from pluglm_sources.http.client import Client; "
    code += f"Client(Path({str(tmp_path)!r}), 'me', allow_private_hosts=True).get({url!r})"
    process = subprocess.Popen([sys.executable, "-c", code])
    entry = Entry(tmp_path, url)
    try:
        while not entry.part.exists() or entry.part.stat().st_size < 100_000:
            assert process.poll() is None
            time.sleep(0.01)
    finally:
        process.kill()
        process.wait()
    assert entry.kept() is None and not entry.body.exists()
    assert client(tmp_path).get(url).path.read_bytes() == BODY
    begun = int(server.asked[1].headers["range"].removeprefix("bytes=").rstrip("-"))
    assert 100_000 <= begun < len(BODY)


def test_a_full_disk_is_no_failure_of_the_server(server: Any, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def full(_: int) -> None:
        raise OSError(errno.ENOSPC, "No space left on device")

    url = server.add("/a", BODY)
    with monkeypatch.context() as patch:
        patch.setattr(os, "fsync", full)
        with pytest.raises(OSError, match="No space left"):
            client(tmp_path).get(url)
    assert len(server.asked) == 1 and Entry(tmp_path, url).kept() is None
    assert client(tmp_path).get(url).path.read_bytes() == BODY


def test_two_processes_that_want_the_same_fetch_it_once(server: Any, tmp_path: Path) -> None:
    url = server.add("/a", BODY, pause=0.02, piece=50_000)
    both = [threading.Thread(target=client(tmp_path).get, args=(url,)) for _ in range(2)]
    for thread in both:
        thread.start()
    for thread in both:
        thread.join()
    assert server.paths() == ["/a"] and client(tmp_path).get(url).path.read_bytes() == BODY


def test_a_transfer_starts_again_when_the_resource_changed(server: Any, tmp_path: Path) -> None:
    url = server.add("/a", BODY, headers={"ETag": '"v1"'}, stop_after=100_000)
    assert reason(tmp_path, url, retries=0) == "truncated"
    server.add("/a", b"another", headers={"ETag": '"v2"'}, ranges=True)
    assert client(tmp_path).get(url).path.read_bytes() == b"another"


@pytest.mark.parametrize("headers", [{}, {"ETag": 'W/"weak"'}])
def test_without_a_strong_validator_nothing_is_pieced_together(
    server: Any, tmp_path: Path, headers: dict[str, str]
) -> None:
    url = server.add("/a", BODY, headers=headers, ranges=True)
    page = server.pages["/a"]
    page.first = [type(page)(b"x" * 1000, headers=headers, length="2000", stop_after=500)]
    assert client(tmp_path).get(url).path.read_bytes() == BODY
    assert "range" not in server.asked[1].headers


def test_a_range_that_does_not_fit_is_not_taken(server: Any, tmp_path: Path) -> None:
    url = server.add("/a", BODY, headers={"ETag": '"v1"'})
    page = server.pages["/a"]
    wrong = {"ETag": '"v1"', "Content-Range": "bytes 7-9/256"}
    page.first = [type(page)(BODY, headers={"ETag": '"v1"'}, stop_after=100), type(page)(b"abc", "", 206, wrong)]
    assert client(tmp_path).get(url).path.read_bytes() == BODY


def test_a_part_is_never_taken_for_the_whole(server: Any, tmp_path: Path) -> None:
    same = {"ETag": '"v1"'}
    unasked = server.add("/a", BODY, headers=same)
    page = server.pages["/a"]
    page.first = [type(page)(BODY[:100], "", 206, {**same, "Content-Range": f"bytes 0-99/{len(BODY)}"})]
    assert client(tmp_path).get(unasked).path.read_bytes() == BODY
    url = server.add("/b", BODY, headers=same, ranges=True)
    little = {**same, "Content-Range": f"bytes 100-199/{len(BODY)}"}
    server.pages["/b"].first = [
        type(page)(BODY, headers=same, stop_after=100),
        type(page)(BODY[100:200], "", 206, little),
    ]
    assert client(tmp_path).get(url).path.read_bytes() == BODY
    assert server.asked[-1].headers["range"] == "bytes=200-"


def test_what_is_asked_conditionally_is_what_is_kept(server: Any, tmp_path: Path) -> None:
    url = server.add("/a", status=302, headers={"Location": "/b"})
    server.add("/b", "old", headers={"ETag": '"1"'})
    assert client(tmp_path).get(url).path.read_bytes() == b"old"
    server.add("/a", status=302, headers={"Location": "/c"})
    server.add("/c", "another resource with the same tag", headers={"ETag": '"1"'})
    assert client(tmp_path, refresh=True).get(url).path.read_bytes().startswith(b"another")
    assert client(tmp_path, refresh=True).get(url).final_url == server.url + "/c"
    assert server.asked[-1].headers["if-none-match"] == '"1"'


def test_a_content_length_that_promises_more_is_noticed(server: Any, tmp_path: Path) -> None:
    url = server.add("/a", b"short", length="50")
    assert reason(tmp_path, url, retries=1) == "truncated"
    assert len(server.asked) == 2
    assert not any(name.endswith(".json") and "part" not in name for name in left(tmp_path))


def test_what_follows_a_content_length_does_not_spoil_the_next_answer(server: Any, tmp_path: Path) -> None:
    url, other = server.add("/a", b"twelve bytes" * 2, length="12"), server.add("/b", b"other")
    same = client(tmp_path)
    assert same.get(url).path.read_bytes() == b"twelve bytes"
    assert same.get(other).path.read_bytes() == b"other"


@pytest.mark.parametrize("length", [None, ""])
def test_too_large_is_refused_whether_told_or_not(server: Any, tmp_path: Path, length: str | None) -> None:
    url = server.add("/a", BODY, length=length)
    assert reason(tmp_path, url, max_bytes=len(BODY) - 1) == "too_large"
    assert left(tmp_path) == []
    assert client(tmp_path, max_bytes=len(BODY)).get(url).path.read_bytes() == BODY


@pytest.mark.parametrize(
    ("name", "form"), [("gzip", 31), ("x-gzip", 31), ("deflate", 15), ("deflate", -15), ("identity", 0)]
)
def test_transfers_are_unpacked(server: Any, tmp_path: Path, name: str, form: int) -> None:
    pack = zlib.compressobj(wbits=form) if form else None
    content = pack.compress(BODY) + pack.flush() if pack else BODY
    url = server.add("/a", content, headers={"Content-Encoding": name})
    assert client(tmp_path).get(url).path.read_bytes() == BODY


def test_a_bomb_is_defused_and_leaves_nothing(server: Any, tmp_path: Path, packed: Any) -> None:
    url = server.add("/a", packed(bytes(50_000_000)), headers={"Content-Encoding": "gzip"})
    assert reason(tmp_path, url, max_bytes=1_000_000) == "decompression_bomb"
    assert left(tmp_path) == []


def test_an_encoding_that_breaks_off_or_is_damaged_is_told(server: Any, tmp_path: Path, packed: Any) -> None:
    whole = packed(BODY)
    flipped = whole[:300] + bytes([whole[300] ^ 255]) + whole[301:]
    short = server.add("/a", whole[:-20], headers={"Content-Encoding": "gzip"})
    wrong = server.add("/b", flipped, headers={"Content-Encoding": "gzip"})
    other = server.add("/c", whole, headers={"Content-Encoding": "br"})
    reasons = [reason(tmp_path, url) for url in (short, wrong, other)]
    assert reasons == ["truncated", "damaged_encoding", "unknown_encoding"]


def test_a_packed_file_stays_packed_whatever_its_transfer_is_called(server: Any, tmp_path: Path, packed: Any) -> None:
    url = server.add("/crawl.warc.gz?v=1", packed(BODY), headers={"Content-Encoding": "x-gzip"})
    got = client(tmp_path).get(url)
    assert got.path.suffix == ".gz" and gzip.decompress(got.path.read_bytes()) == BODY
    assert server.asked[0].headers["accept-encoding"] == "identity"


def test_redirects_are_followed_and_bounded(server: Any, tmp_path: Path) -> None:
    server.add("/end", "here")
    url = server.add("/a", status=302, headers={"Location": "b?x=1"})
    server.add("/b", status=308, headers={"Location": "/end#top"})
    got = client(tmp_path).get(url)
    assert (got.url, got.final_url, got.path.read_bytes()) == (url, server.url + "/end", b"here")
    server.add("/c", status=301, headers={"Location": "/d"})
    server.add("/d", status=303, headers={"Location": "/c"})
    assert reason(tmp_path, server.url + "/c") == "redirect_loop"
    server.pages["*"] = lambda path: type(server.pages["/d"])(status=302, headers={"Location": path + "0"})
    assert reason(tmp_path, server.url + "/deeper/0") == "too_many_redirects"
    assert len(server.asked) < 25


@pytest.mark.parametrize("status", [429, 503])
def test_retry_after_is_kept(server: Any, tmp_path: Path, status: int, monkeypatch: pytest.MonkeyPatch) -> None:
    slept: list[float] = []
    monkeypatch.setattr(time, "sleep", slept.append)
    url = server.add("/a", "at last")
    page = server.pages["/a"]
    date = email.utils.formatdate(time.time() + 100, usegmt=True)
    page.first = [
        type(page)(status=status, headers={"Retry-After": "7"}),
        type(page)(status=status, headers={"Retry-After": date}),
        type(page)(status=status, headers={"Retry-After": "soon"}),
    ]
    assert client(tmp_path).get(url).path.read_bytes() == b"at last"
    assert slept.count(7) == 1 and any(95 <= seconds <= 100 for seconds in slept)


def test_too_much_patience_is_not_had(server: Any, tmp_path: Path) -> None:
    url = server.add("/a", status=429, headers={"Retry-After": "86400"})
    with pytest.raises(FetchError, match="86400 s") as raised:
        client(tmp_path).get(url)
    assert raised.value.reason == "retry_later" and len(server.asked) == 1


def test_failures_that_may_pass_are_tried_again_and_others_not(server: Any, tmp_path: Path) -> None:
    url, gone, no = server.add("/a", status=500), server.url + "/nowhere", server.add("/c", status=403)
    assert reason(tmp_path, url, retries=2) == "http_500" and len(server.asked) == 3
    assert [reason(tmp_path, url) for url in (gone, gone, no, no)] == ["http_404", "http_404", "http_403", "http_403"]
    assert len(server.asked) == 6, "that there is nothing is remembered, that it was forbidden is not"
    server.add("/nowhere", "now it is")
    assert client(tmp_path, refresh=True).get(gone).path.read_bytes() == b"now it is"


def test_back_off_grows(server: Any, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    slept: list[float] = []
    monkeypatch.setattr(time, "sleep", slept.append)
    assert reason(tmp_path, server.add("/a", status=503), backoff=1, retries=4) == "http_503"
    waits = [seconds for seconds in slept if seconds > 0.02]
    assert [2**n <= wait <= 2**n + 1 for n, wait in enumerate(waits, 1)] == [True] * 3


def test_slow_servers_are_given_up(server: Any, tmp_path: Path) -> None:
    silent = server.add("/a", BODY, pause=2.0)
    assert reason(tmp_path, silent, timeout=0.2, retries=0) == "timeout"
    trickling = server.add("/b", BODY, pause=0.02, piece=1)
    assert reason(tmp_path, trickling, timeout=0.05, retries=0) == "timeout"


def test_one_host_is_not_asked_faster_than_agreed(server: Any, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    slept: list[float] = []
    monkeypatch.setattr(time, "sleep", slept.append)
    polite = client(tmp_path, delay=40.0)
    polite.get(server.add("/a"))
    polite.slow_down(server.url + "/any", 90.0)
    polite.get(server.add("/b"))
    polite.get(server.add("/c"))
    assert [round(seconds / 10) for seconds in slept if seconds > 1] == [4, 13]


def test_a_host_that_is_not_there_is_unreachable(tmp_path: Path) -> None:
    with socket.socket() as held:
        held.bind(("127.0.0.1", 0))
        port = held.getsockname()[1]
        assert reason(tmp_path, f"http://127.0.0.1:{port}/", retries=1) == "unreachable"


@pytest.mark.parametrize(
    "url", ["file:///etc/passwd", "ftp://127.0.0.1/a", "http://", "http://a:b@127.0.0.1/", "http://127.0.0.1:99999/x"]
)
def test_other_schemes_and_credentials_are_refused(url: str, tmp_path: Path) -> None:
    assert reason(tmp_path, url) == "bad_url"


@pytest.mark.parametrize("host", ["127.0.0.1", "localhost", "2130706433", "0x7f.1", "0"])
def test_this_machine_is_not_asked_unless_allowed(server: Any, tmp_path: Path, host: str) -> None:
    url = server.add("/a", "inside").replace("127.0.0.1", host)
    assert reason(tmp_path, url, allow_private_hosts=False) == "private_host"
    assert server.asked == []
    assert client(tmp_path).get(url).path.read_bytes() == b"inside"


@pytest.mark.parametrize("target", ["http://169.254.169.254/latest/meta-data/", "http://[::1]/", "http://localhost/"])
def test_a_redirect_does_not_lead_inside(
    server: Any, tmp_path: Path, target: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    # The server stands for one of the public internet: its own address passes the check, no other does.
    monkeypatch.setattr("pluglm_sources.http.request.is_public", lambda address: address == "127.0.0.1")
    monkeypatch.setattr(
        "pluglm_sources.http.request.addresses_of",
        lambda host, port: {"localhost": ["::1"], "127.0.0.1": ["127.0.0.1"]}.get(host, [host]),
    )
    url = server.add("/a", status=302, headers={"Location": target})
    assert reason(tmp_path, url, allow_private_hosts=False, retries=0) == "private_host"


def test_a_name_that_resolves_otherwise_the_next_time_gains_nothing(
    server: Any, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    port = int(server.url.rpartition(":")[2])
    answers, asked, real = [["203.0.113.7"], ["127.0.0.1"]], list[str](), socket.getaddrinfo

    def rebinding(host: Any, *rest: Any, **more: Any) -> Any:
        if host != "rebind.test":
            return real(host, *rest, **more)
        asked.append(host)
        return [(socket.AF_INET, socket.SOCK_STREAM, 6, "", (address, port)) for address in answers[len(asked) - 1]]

    connected: list[str] = []

    def connect(_: Any, address: tuple[str, int], *__: Any, **___: Any) -> None:
        connected.append(address[0])
        raise ConnectionRefusedError

    monkeypatch.setattr(socket, "getaddrinfo", rebinding)
    monkeypatch.setattr("pluglm_sources.http.private_hosts.socket.getaddrinfo", rebinding)
    monkeypatch.setattr("pluglm_sources.http.request.is_public", lambda address: address != "127.0.0.1")
    monkeypatch.setattr(urllib3.util.connection, "create_connection", lambda address, *a, **k: connect(None, address))
    url = f"http://rebind.test:{port}/a"
    assert reason(tmp_path, url, allow_private_hosts=False, retries=0) == "unreachable"
    assert connected == ["203.0.113.7"] and len(asked) == 1, "it was resolved once, checked, and connected to as it was"
    assert reason(tmp_path, url, allow_private_hosts=False, retries=0) == "private_host"
    assert connected == ["203.0.113.7"] and server.asked == []


@pytest.mark.parametrize(
    "address",
    """127.0.0.1 10.1.2.3 172.16.0.1 172.31.255.255 192.168.1.1 169.254.169.254 100.64.0.1 0.0.0.0 0.1.2.3 224.0.0.1
    239.255.255.255 240.0.0.1 255.255.255.255 192.0.0.8 192.0.2.1 198.18.0.1 198.51.100.1 203.0.113.9 :: ::1
    ::ffff:127.0.0.1 ::ffff:10.0.0.1 ::127.0.0.1 64:ff9b::7f00:1 64:ff9b::a00:1 2002:7f00:1:: 2002:c0a8:101::
    2001:0:4136:e378:8000:63bf:80ff:fffe fc00::1 fd12::1 fe80::1 fe80::1%1 fec0::1 ff02::1 2001:db8::1
    100::1 64:ff9b:1::7f00:1 3fff::1""".split(),
)
def test_addresses_that_are_not_public(address: str) -> None:
    assert not is_public(address)


@pytest.mark.parametrize(
    "address", "8.8.8.8 1.1.1.1 172.32.0.1 2606:4700::1111 ::ffff:8.8.8.8 64:ff9b::808:808 2002:808:808::".split()
)
def test_addresses_that_are_public(address: str) -> None:
    assert is_public(address)


def test_keys_are_sent_and_never_stored_nor_said(server: Any, tmp_path: Path) -> None:
    key = "s3cr3t/kéy+1"
    echo = {"X-Echo": "https://api/?key=s3cr3t%2Fk%C3%A9y%2B1", "Location": "/b?key=s3cr3t%2Fk%C3%A9y%2B1&n=2"}
    url, bad = server.add("/a", status=302, headers=echo) + "?q=1", server.add("/c", status=403)
    server.add("/b", "body", headers=echo)
    same = client(tmp_path)
    got = same.get(url, secret={"key": key}, secret_headers={"Authorization": "Bearer t0ken"})
    assert server.asked[0].query == {"q": ["1"], "key": [key]}
    assert server.asked[0].headers["authorization"] == server.asked[1].headers["authorization"] == "Bearer t0ken"
    with pytest.raises(FetchError) as caught:
        same.get(bad, secret={"key": key})
    written = "".join(path.read_text() for path in tmp_path.rglob("*") if path.is_file())
    for text in (written, repr(got), str(caught.value)):
        assert "s3cr3t" not in text and "t0ken" not in text
    assert "***" in got.final_url


def test_keys_do_not_follow_a_redirect_to_another_host(server: Any, tmp_path: Path) -> None:
    server.add("/b", "body")
    other = server.url.replace("127.0.0.1", "localhost")
    url = server.add("/a", status=302, headers={"Location": f"{other}/b"})
    client(tmp_path).get(url, secret={"key": "k1"}, secret_headers={"Authorization": "t1"})
    assert "authorization" not in server.asked[1].headers and server.asked[1].query == {}


def test_other_types_are_not_transferred(server: Any, tmp_path: Path) -> None:
    url = server.add("/a", BODY, content_type="video/mp4")
    with pytest.raises(FetchError, match="other_type"):
        client(tmp_path).get(url, types=("text/html",))
    assert left(tmp_path) == []


def test_a_body_without_its_headers_or_of_another_size_is_fetched_again(server: Any, tmp_path: Path) -> None:
    url = server.add("/a", BODY)
    first = client(tmp_path).get(url)
    first.path.write_bytes(BODY[:-1])
    assert client(tmp_path).get(url).path.read_bytes() == BODY
    Entry(tmp_path, url).about.write_text("{half")
    assert client(tmp_path).get(url).path.read_bytes() == BODY
    assert len(server.asked) == 3


def test_the_record_tells_what_came_and_what_did_not(server: Any, tmp_path: Path) -> None:
    urls = [server.add("/a", "one"), server.url + "/nowhere", server.add("/b", status=503), server.add("/c", "two")]
    source = Plain(allow_private_hosts=True, delay=0, backoff=0, retries=0)
    said: list[str] = []
    path = source.fetch_all(urls, tmp_path, said.append, source.record_path(tmp_path))
    first, gone, busy, last = read_record(path)
    assert isinstance(first, Fetched) and isinstance(last, Fetched)
    assert [first.path.read_text(), last.path.read_text()] == ["one", "two"]
    assert isinstance(gone, Unreadable) and isinstance(busy, Unreadable)
    assert [(gone.locator, gone.reason), (busy.locator, busy.reason)] == [(urls[1], "http_404"), (urls[2], "http_503")]
    assert record_inputs(path) == [path, first.path, last.path]
    assert len(said) == 2
    assert not is_settled(path), "a 503 may pass"
    server.add("/b", "three")
    moved = tmp_path.rename(tmp_path.with_name("moved")) / path.relative_to(tmp_path)
    assert [item.path.exists() for item in read_record(moved) if isinstance(item, Fetched)] == [True, True]
    store = moved.parent.parent
    source.fetch_all(urls, store, said.append, moved)
    assert is_settled(moved) and len(server.asked) == 5, "only what failed in passing was asked for again"
    again = moved.read_bytes()
    assert source.fetch_all(urls, store, said.append, moved).read_bytes() == again
    assert all(isinstance(json.loads(line), dict) for line in again.splitlines())


def test_the_manner_of_fetching_does_not_change_the_record(tmp_path: Path) -> None:
    path = Plain().record_path(tmp_path)
    assert path == Plain(timeout=1, retries=0, contact="me", refresh=True, delay=9, weight=2).record_path(tmp_path)
    assert path != Plain(max_bytes=7).record_path(tmp_path)


@pytest.mark.parametrize("contact", ["a b", "x\r\nCookie: y", "ä"])
def test_a_contact_cannot_change_the_request(contact: str) -> None:
    with pytest.raises(ValueError, match="contact"):
        Plain(contact=contact)


def test_headers_that_drip_are_given_up(tmp_path: Path) -> None:
    with socket.socket() as listening:
        listening.bind(("127.0.0.1", 0))
        listening.listen()
        ended = threading.Event()

        def drip() -> None:
            connection, _ = listening.accept()
            with connection, suppress(OSError):
                connection.sendall(b"HTTP/1.1 200 OK\r\nX-Long: ")
                while not ended.wait(0.02):
                    connection.sendall(b"a")

        thread = threading.Thread(target=drip)
        thread.start()
        try:
            url = f"http://127.0.0.1:{listening.getsockname()[1]}/"
            assert reason(tmp_path, url, timeout=0.1, retries=0) == "timeout"
        finally:
            ended.set()
            thread.join()


@pytest.mark.parametrize(
    "host",
    """169.254.169.254 169.254.0.1 [::ffff:169.254.169.254] [64:ff9b::a9fe:a9fe] [fe80::1] [fd00:ec2::254]
    100.100.100.200""".split(),
)
def test_metadata_services_are_not_asked_even_where_private_hosts_are(host: str, tmp_path: Path) -> None:
    assert reason(tmp_path, f"http://{host}/latest/meta-data/", allow_private_hosts=True, retries=0) == "private_host"
