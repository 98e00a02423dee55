"""WARC files that warcio writes of pages served at 127.0.0.1, read as warcio and fastwarc read them; then damaged."""

from __future__ import annotations

import gzip
import http.server
import io
import random
import threading
import zlib
from collections import Counter
from collections.abc import Callable
from pathlib import Path

import brotli
import fastwarc
import pytest
import zstandard
from fastwarc.warc import ArchiveIterator
from warcio.archiveiterator import ArchiveIterator as WarcioIterator
from warcio.capture_http import capture_http  # before http.client, which it changes
from warcio.warcwriter import WARCWriter

import http.client  # isort: skip

from pluglm import Document, Dropped, Unreadable
from pluglm_sources.common_crawl import CommonCrawl
from pluglm_sources.packed.warc_frames import Damage, Frame, frames

MOST = 1 << 20
SUMMED = zstandard.ZstdCompressor(write_checksum=True)
assert fastwarc


def words(number: int) -> str:
    draw = random.Random(number)
    return " ".join("".join(draw.choices("abcdefgh", k=draw.randint(2, 9))) for _ in range(draw.randint(20, 300)))


def page(number: int) -> bytes:
    text = f"<h1>Page {number}</h1><p>This is page number {number}, é and ü.</p><p>{words(number)}</p>"
    return f"<html><head><title>{number}</title></head><body>{text}</body></html>".encode("latin-1")


class Pages(http.server.BaseHTTPRequestHandler):
    disable_nagle_algorithm, wbufsize = True, 1 << 16
    protocol_version = "HTTP/1.1"
    files: dict[str, bytes] = {}

    def do_GET(self):
        name = self.path.strip("/")
        body = self.files.get(name) or (page(int(name)) if name.isdigit() else None)
        self.send_response(404 if body is None else 200)
        body = body or b"<html><body><p>No such page is here.</p></body></html>"
        self.send_header("Content-Type", "text/html; charset=ISO-8859-1")
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, *_):
        pass


@pytest.fixture(scope="module")
def port():
    server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), Pages)
    threading.Thread(target=server.serve_forever, daemon=True).start()
    yield server.server_address[1]
    server.shutdown()


@pytest.fixture(scope="module")
def crawled(port) -> bytes:
    """A plain WARC of 30 pages and a missing one, as it was crawled."""
    file = io.BytesIO()
    writer = WARCWriter(file, gzip=False)
    writer.write_record(writer.create_warcinfo_record("a.warc", {"software": "a test"}))
    with capture_http(writer):
        connection = http.client.HTTPConnection("127.0.0.1", port)
        for name in [*map(str, range(30)), "missing"]:
            connection.request("GET", f"/{name}")
            connection.getresponse().read()
    return file.getvalue()


def cut(data: bytes) -> list[bytes]:
    """Each record of a plain WARC, by the places that warcio gives."""
    reader = WarcioIterator(io.BytesIO(data))
    edges = []
    for _ in reader:
        edges.append(reader.get_record_offset())
        reader.read_to_end()
    return [data[a:b] for a, b in zip(edges, [*edges[1:], len(data)], strict=True)]


def records_of(data: bytes) -> list[bytes]:
    return [part.removesuffix(b"\r\n\r\n") for part in cut(data)]


def pack(data: bytes, kind: str) -> tuple[bytes, list[int]]:
    """The file packed by record, and where its records begin."""
    packs: dict[str, Callable[[bytes], bytes]] = {"gz": gzip.compress, "zst": SUMMED.compress, "": bytes}
    packed = [packs[kind](record) for record in cut(data)]
    return b"".join(packed), [sum(map(len, packed[:number])) for number in range(len(packed))]


def contents(path, **more):
    return [item.content for item in frames(path, MOST, **more) if isinstance(item, Frame)]


def read(path, **parameters):
    return list(CommonCrawl(paths=(str(path),), **{"extractor": "resiliparse", **parameters}).read())


def of(found, kind):
    return [item for item in found if isinstance(item, kind)]


def reasons(found, kind=Unreadable):
    return [item.reason for item in found if isinstance(item, kind)]


def record(body: bytes, kind="response", length=None, **headers) -> bytes:
    named = {
        "WARC-Type": kind,
        "WARC-Record-ID": "<urn:uuid:5b9b9b2e-0000-4000-8000-000000000001>",
        "WARC-Date": "2024-05-06T07:08:09Z",
        "WARC-Target-URI": "http://a.example/",
        "Content-Type": "application/http; msgtype=response" if kind == "response" else "text/plain",
        **{name.replace("_", "-"): value for name, value in headers.items()},
        "Content-Length": len(body) if length is None else length,
    }
    return b"WARC/1.0\r\n" + "".join(f"{n}: {v}\r\n" for n, v in named.items()).encode() + b"\r\n" + body + b"\r\n\r\n"


def answer(body: bytes, **headers) -> bytes:
    named = {"Content-Type": "text/html", **{name.replace("_", "-"): value for name, value in headers.items()}}
    head = "HTTP/1.1 200 OK\r\n" + "".join(f"{name}: {value}\r\n" for name, value in named.items())
    return record(head.encode() + b"\r\n" + body)


GOOD = answer(b"<html><body><p>A good page that was read in full.</p></body></html>")
TEXT = "A good page that was read in full."


# Undamaged files


@pytest.mark.parametrize("kind", ["", "gz", "zst"])
def test_records_are_those_of_both_libraries(crawled, tmp_path, kind):
    path = tmp_path / "a.warc"
    path.write_bytes(pack(crawled, kind)[0])
    found = contents(path)
    whole = [content.partition(b"\r\n\r\n")[2] for content in found]
    assert whole == [r.reader.read() for r in ArchiveIterator(io.BytesIO(crawled), parse_http=False)]
    theirs = [r.raw_stream.read() for r in WarcioIterator(io.BytesIO(crawled), no_record_parse=True)]
    assert whole == theirs and len(found) == 63


def test_a_whole_file_packed_at_once_and_a_dictionary(crawled, tmp_path):
    (tmp_path / "a.warc.gz").write_bytes(gzip.compress(crawled))
    assert contents(tmp_path / "a.warc.gz") == contents_of(crawled, tmp_path)
    records = cut(crawled)
    shared = zstandard.train_dictionary(4000, [*records] * 4)
    packer = zstandard.ZstdCompressor(dict_data=shared)
    # https://iipc.github.io/warc-specifications/specifications/warc-zstd/: a skippable frame before all others.
    for given in (shared.as_bytes(), zstandard.compress(shared.as_bytes())):
        head = b"\x5d\x2a\x4d\x18" + len(given).to_bytes(4, "little") + given
        (tmp_path / "a.warc.zst").write_bytes(head + b"".join(packer.compress(item) for item in records))
        assert contents(tmp_path / "a.warc.zst") == contents_of(crawled, tmp_path)


def contents_of(data: bytes, folder: Path) -> list[bytes]:
    (folder / "plain").write_bytes(data)
    return contents(folder / "plain")


def test_pages_become_documents(crawled, port, tmp_path):
    path = tmp_path / "a.warc.gz"
    path.write_bytes(pack(crawled, "gz")[0])
    found = read(path)
    documents = of(found, Document)
    assert len(documents) == 30 and not of(found, Unreadable)
    assert Counter(reasons(found, Dropped)) == {"other_type": 32, "other_status": 1}
    for number, document in enumerate(documents):
        # The charset is the one the server named.
        assert f"This is page number {number}, é and ü." in document.text and words(number) in document.text
        assert document.metadata["url"] == f"http://127.0.0.1:{port}/{number}"
    theirs = [r.rec_headers["WARC-Date"] for r in WarcioIterator(io.BytesIO(crawled)) if r.rec_type == "response"]
    assert [d.metadata["retrieved"][:19] for d in documents] == [date[:19] for date in theirs[:30]]
    offset = int(documents[7].metadata["locator"].rpartition("@")[2])
    with path.open("rb") as file:
        file.seek(offset)
        assert next(iter(ArchiveIterator(file))).headers["WARC-Target-URI"].endswith("/7")
    assert len(of(read(path, statuses=()), Document)) == 31 and not of(read(path, types=("conversion",)), Document)


def test_texts_of_a_wet_file(tmp_path):
    file = io.BytesIO()
    writer = WARCWriter(file, gzip=True)
    for text in ("Ein Text, den jemand schrieb.", "", "bad \0 byte"):
        headers = {"WARC-Identified-Content-Language": "deu"}
        writer.write_record(
            writer.create_warc_record(
                "http://a.example/", "conversion", io.BytesIO(text.encode()), warc_content_type="text/plain",
                warc_headers_dict=headers,
            )
        )  # fmt: skip
    (tmp_path / "a.wet.gz").write_bytes(file.getvalue())
    document, empty, nul = read(tmp_path / "a.wet.gz")
    assert document.text == "Ein Text, den jemand schrieb." and document.metadata["language"] == "deu"
    assert empty == Dropped("no_text") and nul.reason == "nul_bytes"


@pytest.mark.parametrize(
    ("content", "outcome"),
    [
        (answer(gzip.compress(b"<p>A packed page.</p>"), Content_Encoding="gzip"), "A packed page."),
        (answer(brotli.compress(b"<p>A packed page.</p>"), Content_Encoding="br"), "A packed page."),
        (answer(b"6\r\n<p>In \r\nA\r\npieces</p>\r\n0\r\n\r\n", Transfer_Encoding="chunked"), "In pieces"),
        (answer(b"6;ext=1\r\n<p>In \r\nA  \r\npieces</p>\r\n0\r\n\r\n", Transfer_Encoding="chunked"), "In pieces"),
        (answer(b"0\r\n\r\n", Transfer_Encoding="chunked"), Dropped("no_text")),
        (answer(zlib.compress(b"<p>Deflated.</p>"), Content_Encoding="deflate"), "Deflated."),
        (answer(zlib.compress(b"<p>No header.</p>")[2:-4], Content_Encoding="deflate"), "No header."),
        (answer(zstandard.compress(b"<p>A frame.</p>"), Content_Encoding="zstd"), "A frame."),
        (answer(gzip.compress(zlib.compress(b"<p>Twice.</p>")), Content_Encoding="deflate, x-gzip"), "Twice."),
        (answer(gzip.compress(b"<p>Whole</p> and more")[:-9], Content_Encoding="gzip"), "Whole\n\nand more"),
        # Headers that say what is no longer so, as many archives have them.
        (answer(b"<p>Not packed at all.</p>", Content_Encoding="gzip"), "Not packed at all."),
        (answer(b"<p>Not in pieces.</p>", Transfer_Encoding="chunked"), "Not in pieces."),
        (answer(b"\xff\xfe" + "<p>Zażółć.</p>".encode("utf-16-le")), "Zażółć."),
        (answer('<meta charset="iso-8859-2"><p>Zażółć gęślą.</p>'.encode("iso-8859-2")), "Zażółć gęślą."),
        (answer("Zażółć <gęślą>".encode(), Content_Type="text/plain; charset=utf-8"), "Zażółć <gęślą>"),
        (record(b"A file.", kind="resource"), "A file."),
        (answer(b"<p>A NUL \0byte.</p>"), "A NUL byte."),
        (answer(b"%PDF", Content_Type="application/pdf"), Dropped("other_mime_type")),
        (answer(b"<html><body></body></html>"), Dropped("no_text")),
        (answer(b"\x8b\x00\x01\x02\x03", Content_Encoding="gzip"), "undecodable_payload"),
        (answer(b"\x00\x01\x02\x03", Content_Encoding="rot13"), "undecodable_payload"),
        (answer(gzip.compress(bytes(1 << 22)), Content_Encoding="gzip"), "record_too_large"),
        (answer(brotli.compress(bytes(1 << 26)), Content_Encoding="br"), "record_too_large"),
        (answer(zstandard.compress(bytes(1 << 26)), Content_Encoding="zstd"), "record_too_large"),
        (record(b"no answer of a server"), "damaged_http_header"),
    ],
)  # fmt: skip
def test_payloads(tmp_path, content, outcome):
    path = tmp_path / "a.warc"
    path.write_bytes(GOOD + content + GOOD)
    first, found, last = read(path, max_record_bytes=MOST, extractor="plain")
    assert first.text == last.text == TEXT
    if isinstance(found, Unreadable):
        assert found.reason == outcome and found.locator == f"{path}@{len(GOOD)}"
    else:
        assert (found.text if isinstance(found, Document) else found) == outcome


def test_licences_and_what_the_crawler_found(tmp_path):
    link = '<a rel="license" href="https://creativecommons.org/licenses/by-sa/4.0/">terms</a>'
    page = f"<html><body><p>Text under a licence. {link}</p></body></html>".encode()
    sure = record(
        b"HTTP/1.1 200 OK\r\nContent-Type: application/octet-stream\r\n\r\n" + page,
        WARC_Identified_Payload_Type="text/html",
        WARC_Truncated="length",
    )
    (tmp_path / "a.warc").write_bytes(sure)
    (document,) = read(tmp_path / "a.warc")
    assert document.metadata["licence"] == "CC-BY-SA-4.0" and document.metadata["truncated"] == "length"


# Damage


@pytest.mark.parametrize("kind", ["", "gz", "zst"])
def test_a_file_cut_short_gives_what_was_whole_and_says_so(crawled, tmp_path, kind):
    data, begins = pack(crawled, kind)
    whole = records_of(crawled)
    path = tmp_path / "a.warc"
    ends = [*begins[1:], len(data)]
    draw = random.Random(11)
    for place in [*draw.sample(range(1, len(data)), 60), begins[9]]:
        path.write_bytes(data[:place])
        found = list(frames(path, MOST))
        good = [item.content for item in found if isinstance(item, Frame)]
        before = sum(end <= place for end in ends)
        # A plain record is whole without the blank lines behind it.
        complete = before + (kind == "" and before < len(ends) and place >= ends[before] - 4)
        assert good == whole[:complete]
        broken = [item for item in found if isinstance(item, Damage)]
        assert [item.offset for item in broken] == ([] if place in ends or complete > before else [begins[before]])
        assert all(item.size + item.offset == place for item in broken)


@pytest.mark.parametrize("kind", ["", "gz", "zst"])
def test_a_flipped_bit_costs_the_record_it_hit(crawled, tmp_path, kind):
    data, begins = pack(crawled, kind)
    whole = records_of(crawled)
    path = tmp_path / "a.warc"
    draw = random.Random(11)
    noticed = 0
    for place in draw.sample(range(len(data)), 120):
        damaged = bytearray(data)
        damaged[place] ^= 1 << draw.randrange(8)
        path.write_bytes(damaged)
        hit = sum(begin <= place for begin in begins) - 1
        found = list(frames(path, MOST))
        good = [item.content for item in found if isinstance(item, Frame)]
        if len(good) == len(whole):
            assert good[:hit] + good[hit + 1 :] == whole[:hit] + whole[hit + 1 :]
            assert kind != "gz" or good == whole
            continue
        noticed += 1
        assert good == whole[:hit] + whole[hit + 1 :]
        (broken,) = [item for item in found if isinstance(item, Damage)]
        assert begins[hit] <= broken.offset <= place
    assert noticed > (0 if kind == "" else 100)


def test_digests_show_what_was_flipped_in_a_plain_file(crawled, tmp_path):
    place = crawled.index(b"This is page number 17")
    path = tmp_path / "a.warc"
    path.write_bytes(crawled[:place] + b"t" + crawled[place + 1 :])
    assert len(of(read(path), Document)) == 30
    found = read(path, verify_digests=True)
    assert len(of(found, Document)) == 29 and reasons(found) == ["digest_mismatch"]


def test_many_wounds(crawled, tmp_path):
    draw = random.Random(11)
    for kind in ("gz", "zst", ""):
        data, begins = pack(crawled, kind)
        ends = [*begins[1:], len(data)]
        damaged, hit = bytearray(data), set()
        for place in draw.sample(range(len(data)), 12):
            damaged[place : place + 40] = draw.randbytes(len(damaged[place : place + 40]))
            hit |= {n for n, (a, b) in enumerate(zip(begins, ends, strict=True)) if a < place + 40 and b > place}
        path = tmp_path / "a.warc"
        path.write_bytes(damaged)
        good = contents(path)
        untouched = [content for n, content in enumerate(records_of(crawled)) if n not in hit]
        assert [content for content in good if content in untouched] == untouched
        if kind != "":
            assert good == untouched and len(untouched) < 60


@pytest.mark.parametrize("kind", ["", "gz"])
@pytest.mark.parametrize(
    ("content", "reason"),
    [
        (record(b"HTTP/1.1 200 OK\r\n\r\nshort", length=40), "wrong_length"),
        (record(b"HTTP/1.1 200 OK\r\n\r\nshort", length=10), "wrong_length"),
        (record(b"short", length=10**6), "wrong_length"),
        (record(b"short", length=10**9), "truncated_record"),
        (record(b"short", length=2 * 10**6), "wrong_length"),
        (record(b"short", length="5x"), "not_a_record"),
        (record(b"short", length=-5), "not_a_record"),
        (record(b"short", length=10**30), "not_a_record"),
        (b"WARC/1.0\r\n" + b"a: b\r\n" * 20_000 + b"\r\n", "not_a_record"),
        (bytes(100_000), "not_a_record"),
        (record(bytes(2 * 10**6)), "record_too_large"),
        (record(bytes(300 * 10**6)), "record_too_large"),
    ],
)
def test_lies_and_bombs_cost_themselves_alone(tmp_path, kind, content, reason):
    path = tmp_path / "a.warc"
    if len(content) > 10**8 and not kind:
        pytest.skip("a large plain file")

    def pack_one(part: bytes) -> bytes:
        return gzip.compress(part, 1) if kind else part

    # What is behind makes two million bytes: a length of as many ends within it.
    behind = [record(b"x" * 700_000, kind="metadata")] * 4
    path.write_bytes(b"".join(pack_one(part) for part in (GOOD, content, *behind, GOOD)))
    found = read(path, max_record_bytes=MOST)
    assert [d.text for d in of(found, Document)] == [TEXT, TEXT]
    assert reasons(found, Dropped) == ["other_type"] * 4
    if kind and reason == "wrong_length" and b"Content-Length: 10\r" not in content:
        # A member ends where it ends, whatever the record says.
        reason = "truncated_record"
    if len(content) > 64 * MOST:
        reason = "damaged_member"
    assert set(reasons(found)) == {reason}
    assert found[1].locator == f"{path}@{len(pack_one(GOOD))}"


def test_what_is_no_warc_is_told(tmp_path):
    for name, content, reason in [
        ("a.warc", b"", "empty_file"),
        ("b.warc.gz", b"", "empty_file"),
        ("c.warc", b"Not a WARC at all.\n" * 10, "not_a_record"),
        ("d.warc.gz", b"Not packed at all.\n" * 10, "damaged_member"),
        ("e.warc.gz", gzip.compress(b"Not a WARC at all.\n" * 10), "not_a_record"),
        ("f.warc.zst", b"Not packed at all.\n" * 10, "damaged_member"),
    ]:
        (tmp_path / name).write_bytes(content)
        assert reasons(read(tmp_path / name)) == [reason], name
    (tmp_path / "g.warc").symlink_to(tmp_path / "nowhere")
    assert reasons(read(tmp_path / "g.warc")) == ["unreadable"]


# Parts


@pytest.mark.parametrize("kind", ["", "gz", "zst"])
def test_parts_of_a_file_give_the_whole(crawled, tmp_path, kind):
    data = bytearray(pack(crawled, kind)[0])
    draw = random.Random(11)
    path = tmp_path / "a.warc"
    for wounds in (0, 3):
        for place in draw.sample(range(len(data)), wounds):
            data[place : place + 30] = bytes(30)
        path.write_bytes(data)
        whole = list(frames(path, MOST))
        for _ in range(15):
            edges = sorted(draw.sample(range(1, len(data)), draw.randint(1, 6)))
            parts = zip([0, *edges], [*edges, None], strict=True)
            assert [item for start, end in parts for item in frames(path, MOST, start, end)] == whole


def test_shards(crawled, tmp_path, monkeypatch):
    monkeypatch.setattr("pluglm_sources.files.parts.PART", 9_000)
    # Which names end a group would depend on the folder.
    monkeypatch.setattr("pluglm_sources.files.parts.GROUP_FILES", 1 << 60)
    for number in range(5):
        (tmp_path / f"{number}.warc.gz").write_bytes(pack(crawled if number == 2 else GOOD * 2, "gz")[0])
    source = CommonCrawl(paths=(str(tmp_path / "*"),), extractor="resiliparse")
    shards = source.shards()
    assert len(shards) > 3 and {shard.name for shard in shards} == {"common_crawl"}
    assert [item for shard in shards for item in shard.read()] == list(source.read())
    # The small ones before the large one are read together.
    assert [path.name for path in shards[0].inputs()] == ["0.warc.gz", "1.warc.gz"]


def test_files_by_url(crawled, port, tmp_path, monkeypatch):
    data = pack(crawled, "gz")[0]
    monkeypatch.setitem(Pages.files, "a.warc.gz", data)
    (tmp_path / "b.warc").write_bytes(GOOD)
    url = f"http://127.0.0.1:{port}/a.warc.gz"
    gone = f"http://127.0.0.1:{port}/gone.warc.gz"
    source = CommonCrawl(
        paths=(url, gone, str(tmp_path / "b.warc")), allow_private_hosts=True, retries=0, extractor="resiliparse"
    )
    assert reasons(source.read()) == ["not_fetched", "not_fetched"]
    said: list[str] = []
    fetched = source.fetch(tmp_path / "store", said.append)
    found = list(fetched.read())
    assert found[0] == Unreadable(gone, "http_404", found[0].detail) and len(of(found, Document)) == 31
    assert found[1].text == TEXT and of(found, Document)[1].metadata["locator"].startswith(f"{url}@")
    assert [item for shard in fetched.shards() for item in shard.read()] == found
    # What is there is not asked for again.
    monkeypatch.delitem(Pages.files, "a.warc.gz")
    assert list(source.fetch(tmp_path / "store", said.append).read()) == found
    assert [p.value for p in source.problems(type("Run", (), {"source": {"x": source}}))] == []
