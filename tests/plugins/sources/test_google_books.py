"""Answers in the form of the Google Books API, n-grams in version 3, EPUBs; and a server that pages as the API does."""

from __future__ import annotations

import gzip
import io
import json
import math
import random
import zipfile
from pathlib import Path
from types import SimpleNamespace
from typing import Any
from urllib.parse import parse_qs, urlsplit

import pytest

from pluglm import Document, Dropped, Source, Unreadable
from pluglm_sources.google_books import GoogleBooks
from pluglm_sources.services.google_ngrams import is_tagged, ngram
from pluglm_sources.text.epub import epub_text


def volume(number: int, **info: Any) -> dict[str, Any]:
    """A volume as the API gives it, with what is not read left out."""
    return {
        "kind": "books#volume",
        "id": f"s1gVAAAAYAAJ{number}",
        "etag": "aA6bNvk8xHQ",
        "selfLink": f"https://www.googleapis.com/books/v1/volumes/s1gVAAAAYAAJ{number}",
        "volumeInfo": {
            "title": f"Pride and Prejudice {number}",
            "subtitle": "A Novel",
            "authors": ["Jane Austen"],
            "publisher": "Penguin",
            "publishedDate": "1813-01-28",
            "description": f"<p><b>Austen&#39;s</b> most popular novel &amp; more, {number}.</p><p>With notes.</p>",
            "industryIdentifiers": [{"type": "OTHER", "identifier": "X"}, {"type": "ISBN_13", "identifier": "978000"}],
            "readingModes": {"text": True, "image": True},
            "pageCount": 401,
            "printType": "BOOK",
            "categories": ["Fiction"],
            "language": "en",
            "infoLink": "https://play.google.com/store/books/details?id=s1gVAAAAYAAJ",
            **info,
        },
        "accessInfo": {
            "country": "US",
            "viewability": "PARTIAL",
            "publicDomain": False,
            "epub": {"isAvailable": False},
        },
        "searchInfo": {"textSnippet": "It is a truth &quot;universally&quot; acknowledged"},
    }


def page(*volumes: Any) -> dict[str, Any]:
    return {"kind": "books#volumes", "totalItems": 1000, "items": list(volumes)}


def saved(name: str, answer: Any) -> str:
    Path(name).write_text(answer if isinstance(answer, str) else json.dumps(answer, indent=1), encoding="utf-8")
    return name


def titles(source: GoogleBooks) -> list[str]:
    return [item.metadata["title"][-1] for item in source.read() if isinstance(item, Document)]


def troubles(source: Source) -> list[tuple[str, str]]:
    return [(item.locator, item.reason) for item in source.read() if isinstance(item, Unreadable)]


def test_a_volume() -> None:
    (document,) = GoogleBooks(paths=saved("a.json", page(volume(1)))).read()
    assert isinstance(document, Document)
    title, description = "Pride and Prejudice 1: A Novel", "Austen's most popular novel & more, 1.\n\nWith notes."
    assert document.text == f"{title}\n\n{description}"
    assert document.fields == {"title": title, "description": description}
    assert document.metadata == {
        "title": title,
        "authors": ["Jane Austen"],
        "publisher": "Penguin",
        "published": "1813-01-28",
        "language": "en",
        "categories": ["Fiction"],
        "pages": 401,
        "url": "https://play.google.com/store/books/details?id=s1gVAAAAYAAJ",
        "isbn": "978000",
        "public_domain": False,
        "viewability": "PARTIAL",
        "locator": "a.json#0",
    }


def test_every_form_in_which_answers_are_saved() -> None:
    one, two, three = (volume(number, subtitle="") for number in (1, 2, 3))
    for answer in (page(one, two, three), [page(one), page(two, three)], [one, two, three]):
        assert titles(GoogleBooks(paths=saved("a.json", answer))) == ["1", "2", "3"]
    assert titles(GoogleBooks(paths=saved("a.json", one))) == ["1"]
    lines = "\n".join(json.dumps(answer) for answer in (page(one, two), three))
    assert titles(GoogleBooks(paths=saved("a.jsonl", lines))) == ["1", "2", "3"]
    Path("b.jsonl.gz").write_bytes(gzip.compress(lines.encode()))
    assert titles(GoogleBooks(paths="b.jsonl.gz")) == ["1", "2", "3"]
    # Pages written behind each other, as a script that appends does.
    behind = json.dumps(page(one)) + "\n" + json.dumps(page(two))
    assert titles(GoogleBooks(paths=saved("c.json", behind))) == ["1", "2"]
    assert titles(GoogleBooks(paths=saved("d.json", {"kind": "books#volumes", "totalItems": 0}))) == []


def test_without_a_description_the_snippet_is_taken() -> None:
    bare = volume(2, description=None)
    del bare["searchInfo"]
    found = list(GoogleBooks(paths=saved("a.json", page(volume(1, description=None), bare))).read())
    assert isinstance(found[0], Document) and found[0].text.endswith('It is a truth "universally" acknowledged')
    assert found[1] == Dropped("no_description")
    french = page(volume(1, language="fr"), volume(2))
    found = list(GoogleBooks(paths=saved("a.json", french), languages=("fr",)).read())
    assert [type(item) for item in found] == [Document, Dropped]


def test_damaged_volumes_do_not_touch_those_around_them() -> None:
    plain = {"subtitle": ""}
    volumes = [json.dumps(volume(number, **plain)) for number in range(8)]
    volumes[1] = volumes[1].replace('"authors": [', '"authors": {', 1)
    volumes[3] = volumes[3].replace("popular", "pop\x01ular", 1)
    volumes[4] = volumes[4].replace("popular", "\\ud800popular", 1)
    volumes[6] = volumes[6][:200]
    text = '{"kind": "books#volumes", "totalItems": 8, "items": [' + ",\n".join(volumes) + "]}"
    source = GoogleBooks(paths=saved("a.json", text))
    assert titles(source) == ["0", "2", "5", "7"]
    at = [text.index(part) for part in (volumes[1], volumes[3], volumes[4], volumes[6])]
    reasons = ["invalid_json", "invalid_json", "lone_surrogate", "invalid_json"]
    assert troubles(source) == [(f"a.json@{offset}", reason) for offset, reason in zip(at, reasons, strict=True)]


def test_bytes_that_are_no_utf8_and_a_file_that_breaks_off() -> None:
    content = json.dumps(page(*(volume(n, subtitle="") for n in range(4)))).encode()
    at = content.index(b"popular novel & more, 1".replace(b"&", b"&amp;"))
    Path("a.json").write_bytes(content[:at] + b"\xff\xfe" + content[at + 2 :])
    source = GoogleBooks(paths="a.json")
    assert titles(source) == ["0", "2", "3"]
    assert [reason for _, reason in troubles(source)] == ["invalid_utf8"]
    Path("a.json").write_bytes(content[:at] + b"\0" + content[at + 1 :])
    assert titles(source) == ["0", "2", "3"]
    assert [reason for _, reason in troubles(source)] == ["invalid_json"]
    Path("c.json").write_bytes(content.replace(b'"totalItems"', b'"total\xffItems"'))
    assert titles(GoogleBooks(paths="c.json")) == ["0", "1", "2", "3"]
    assert [reason for _, reason in troubles(GoogleBooks(paths="c.json"))] == ["invalid_utf8"]
    Path("b.json").write_bytes(content[: at + 10])
    assert titles(GoogleBooks(paths="b.json")) == ["0"]
    assert [reason for _, reason in troubles(GoogleBooks(paths="b.json"))] == ["invalid_json"]


def test_volumes_of_wrong_types_are_quarantined() -> None:
    wrong: list[Any] = [
        None,
        3,
        {},
        {"volumeInfo": []},
        volume(1, title=None),
        volume(2, title=["x"]),
        volume(3, description=7),
    ]
    odd = volume(4, authors="Jane", pageCount="many", industryIdentifiers={"a": 1}, categories=None)
    odd["accessInfo"] = "none"
    source = GoogleBooks(paths=saved("a.json", page(*wrong, odd, volume(5, subtitle=""))))
    assert [reason for _, reason in troubles(source)] == ["not_a_volume"] * len(wrong)
    assert len(titles(source)) == 2
    keys = json.dumps(volume(1) | {f"k{n}": n for n in range(100_000)})
    assert len(titles(GoogleBooks(paths=saved("b.json", keys)))) == 1
    for name, text in (("c.json", '"text"'), ("d.json", "{}"), ("e.json", "[" * 90_000), ("f.json", "")):
        assert len(troubles(GoogleBooks(paths=saved(name, text)))) == 1
    big = GoogleBooks(paths=saved("g.json", page(*(volume(n) for n in range(50)))), max_bytes=10_000)
    assert troubles(big) == [("g.json", "file_too_large")]


LINES = [
    "circumvallate\t1899,10,5\t1978,313,85\t1979,183,77",
    "the cat_NOUN\t1900,500,50",
    "_START_ The\t1900,500,50",
    "snake_case name\t1900,500,50",
    "rare\t1900,39,5",
    "early\t1700,1000,5",
    "Größe 東京\t1950,40,2",
]


def test_ngrams_as_documents() -> None:
    Path("2-00001-of-00589.gz").write_bytes(gzip.compress(("\n".join(LINES) + "\n").encode()))
    source = GoogleBooks(paths="2-*.gz", first_year=1899, last_year=1978, weighting="log")
    found = list(source.read())
    first, snake, last = (item for item in found if isinstance(item, Document))
    assert (first.text, snake.text, last.text) == ("circumvallate", "snake_case name", "Größe 東京")
    assert first.metadata == {
        "count": 323,
        "volumes": 90,
        "first_year": 1899,
        "last_year": 1978,
        "licence": "CC-BY-3.0",
        "locator": "2-00001-of-00589.gz:1",
    }
    assert first.weight == pytest.approx(1 + math.log2(323 / 40)) and last.weight == 1.0
    dropped = [item.reason for item in found if isinstance(item, Dropped)]
    assert dropped == ["part_of_speech", "part_of_speech", "too_rare", "too_rare"]
    linear = GoogleBooks(paths="2-*.gz", weighting="linear", min_count=10).read()
    assert next(item.weight for item in linear if isinstance(item, Document)) == pytest.approx(50.6)
    assert {item.weight for item in GoogleBooks(paths="2-*.gz").read() if isinstance(item, Document)} == {1.0}


def test_counts_equal_a_plain_sum() -> None:
    drawn = random.Random(5)
    for _ in range(200):
        counts = {year: (drawn.randint(1, 99), 1) for year in drawn.sample(range(1500, 2020), 30)}
        line = "a b\t" + "\t".join(f"{year},{counts[year][0]},1" for year in sorted(counts))
        first, last = sorted(drawn.sample(range(1500, 2020), 2))
        inside = [year for year in counts if first <= year <= last]
        found = ngram(line, first, last)
        assert found.matches == sum(counts[year][0] for year in inside) and found.volumes == len(inside)
        assert (found.first_year, found.last_year) == ((min(inside), max(inside)) if inside else (0, 0))


@pytest.mark.parametrize("words", ["run_VERB", "_VERB_ it", "the _NOUN_", "a_DET b", "x _END_", "._."])
def test_parts_of_speech_are_seen(words: str) -> None:
    assert is_tagged(words)


@pytest.mark.parametrize("words", ["snake_case", "_", "__init__", "VERB", "a_b c", "in_VERBA"])
def test_words_with_underscores_are_no_parts_of_speech(words: str) -> None:
    assert not is_tagged(words)


def test_damaged_lines_of_ngrams() -> None:
    good = [f"word {n}\t1990,50,5\t1991,50,5".encode() for n in range(3)]
    bad = [
        b"no counts",
        b"\t1990,50,5",
        b"x\t1990,50",
        b"x\t1990,fifty,5",
        b"x\t1991,50,5\t1990,50,5",
        b"x\t1990,1,5",
        # One line for each year is version 2.
        b"x\t1990\t50\t5",
        b"\xff\t1990,50,5",
        b"x\0\t1990,50,5",
        b"x\t" + b"1990,50,5\t" * 50_000,
    ]
    lines = [good[0], *bad, good[1], good[2]]
    content = b"\n".join(lines) + b"\n"
    Path("1-00000-of-00024").write_bytes(content)
    source = GoogleBooks(paths="1-*", max_bytes=100_000)
    assert [item.text for item in source.read() if isinstance(item, Document)] == ["word 0", "word 1", "word 2"]
    reasons = ["not_an_ngram"] * 7 + ["invalid_utf8", "nul_bytes", "line_too_long"]
    assert troubles(source) == [(f"1-00000-of-00024:{n}", reason) for n, reason in enumerate(reasons, 2)]
    drawn = random.Random(1)
    many = "".join(f"{drawn.getrandbits(200):x}\t1990,50,5\n" for _ in range(5000))
    Path("1-00001-of-00024.gz").write_bytes(gzip.compress(many.encode())[:-5000])
    cut = list(GoogleBooks(paths="1-00001*").read())
    assert 3000 < len(cut) < 5000 and all(isinstance(item, Document) for item in cut[:-1])
    assert isinstance(cut[-1], Unreadable) and cut[-1].reason == "truncated_or_damaged"


CONTAINER = (
    '<container xmlns="urn:oasis:names:tc:opendocument:xmlns:container"><rootfiles>'
    '<rootfile full-path="O/content.opf" media-type="application/oebps-package+xml"/></rootfiles></container>'
)
PACKAGE = (
    '<package xmlns="http://www.idpf.org/2007/opf"><manifest><item id="a" href="ch%201.xhtml"/><item id="b" '
    'href="2.xhtml"/><item id="n" href="nav.xhtml"/></manifest><spine><itemref idref="b"/><itemref idref="a"/>'
    '<itemref idref="n" linear="no"/></spine></package>'
)
XHTML = '<?xml version="1.0"?><html xmlns="http://www.w3.org/1999/xhtml"><head><title>T</title></head><body>{}</body></html>'


def epub(**more: str) -> bytes:
    files = {
        "mimetype": "application/epub+zip",
        "META-INF/container.xml": CONTAINER,
        "O/content.opf": PACKAGE,
        "O/ch 1.xhtml": XHTML.format("<h1>Second</h1><p>The <i>end</i>.</p><script>no</script>"),
        "O/2.xhtml": XHTML.format("<h1>First</h1>\n<p>It is a\ntruth.</p>"),
        "O/nav.xhtml": XHTML.format("<p>no</p>"),
        **more,
    }
    packed = io.BytesIO()
    with zipfile.ZipFile(packed, "w", zipfile.ZIP_DEFLATED) as archive:
        for name, content in files.items():
            archive.writestr(name, content)
    return packed.getvalue()


def test_the_text_of_an_epub_is_that_of_its_spine() -> None:
    Path("a.epub").write_bytes(epub())
    assert epub_text(Path("a.epub"), 10**6) == "First\n\nIt is a truth.\n\nSecond\n\nThe end."


@pytest.mark.parametrize(
    ("content", "reason"),
    [
        (epub()[:-40], "not_zip_or_truncated"),
        (epub(**{"O/2.xhtml": "<html><p>"}), "damaged_chapter"),
        (epub(**{"O/2.xhtml": '<!DOCTYPE h [<!ENTITY a "b">]>' + XHTML.format("&a;")}), "damaged_chapter"),
        (epub(**{"META-INF/container.xml": "<container/>"}), "not_epub"),
        (epub(**{"../../evil.xhtml": "x"}), "unsafe_path"),
        (epub(**{"O/big.xhtml": " " * 3_000_000}), "file_too_large"),
    ],
)
def test_damaged_and_hostile_epubs(content: bytes, reason: str) -> None:
    Path("a.epub").write_bytes(content)
    found = epub_text(Path("a.epub"), 1_000_000)
    assert isinstance(found, Unreadable) and found.reason == reason


def api(server: Any, total: int) -> None:
    """Volumes by query with startIndex and maxResults, and by id, as the API answers."""

    def answer(path: str) -> Any:
        query = {name: values[0] for name, values in parse_qs(urlsplit(path).query).items()}
        start, size = int(query.get("startIndex", 0)), int(query.get("maxResults", 10))
        found = [volume(n, title=f"Book {n}", subtitle="") for n in range(start, min(total, start + size))]
        body = json.dumps({**page(*found), "totalItems": total + start} if found else {"totalItems": total})
        return page_type(body.encode(), "application/json; charset=UTF-8")

    server.add("/x")
    page_type = type(server.pages["/x"])
    server.pages["/books/v1/volumes"] = answer


VALUES: dict[str, Any] = {"allow_private_hosts": True, "delay": 0, "backoff": 0, "retries": 1}


def test_a_query_is_paged_to_its_end_and_asked_once(server: Any, tmp_path: Path, monkeypatch: Any) -> None:
    monkeypatch.setenv("GOOGLE_BOOKS_API_KEY", "AIza-secret/key+1")
    api(server, 93)
    server.add("/books/v1/volumes/abc", json.dumps(volume(7, title="By id", subtitle="")))
    said: list[str] = []
    values = {**VALUES, "api": f"{server.url}/books/v1", "query": "inauthor:austen", "volumes": ("abc",)}
    source = GoogleBooks(**values).fetch(tmp_path / "store", said.append)
    found = [item for item in source.read() if isinstance(item, Document)]
    assert [item.metadata["title"] for item in found] == ["By id", *(f"Book {n}" for n in range(93))]
    assert len({item.id for item in found}) == 94 and found[1].metadata["retrieved"].endswith("+00:00")
    starts = [asked.query.get("startIndex") for asked in server.asked]
    assert starts == [None, ["0"], ["40"], ["80"], ["120"]]
    assert all(asked.query["key"] == ["AIza-secret/key+1"] for asked in server.asked)
    again = GoogleBooks(**values).fetch(tmp_path / "store", said.append)
    assert list(again.read()) == list(source.read()) and len(server.asked) == 5 and not said
    few = GoogleBooks(**values | {"max_volumes": 50, "volumes": ()}).fetch(tmp_path / "few", said.append)
    assert len(list(few.read())) == 50 and server.asked[-1].query["maxResults"] == ["10"]
    stored = b"".join(path.read_bytes() for path in tmp_path.rglob("*") if path.is_file())
    shown = repr(list(source.read())) + repr(source) + "".join(said)
    for form in ("AIza-secret/key+1", "AIza-secret", "key%2B1"):
        assert form.encode() not in stored and form not in shown


def test_an_api_that_refuses_is_told_with_a_hint(server: Any, tmp_path: Path, monkeypatch: Any) -> None:
    monkeypatch.delenv("GOOGLE_BOOKS_API_KEY", raising=False)
    server.add("/books/v1/volumes", '{"error": {"code": 429}}', status=429)
    said: list[str] = []
    source = GoogleBooks(**VALUES, api=f"{server.url}/books/v1", query="x").fetch(tmp_path / "s", said.append)
    assert [reason for _, reason in troubles(source)] == ["http_429"]
    assert len(said) == 1 and "GOOGLE_BOOKS_API_KEY" in said[0] and "key" not in server.asked[0].query


def test_whole_books_in_the_public_domain(server: Any, tmp_path: Path, monkeypatch: Any) -> None:
    monkeypatch.setenv("GOOGLE_BOOKS_API_KEY", "AIza-secret")
    books = []
    for number, (name, free, all_pages) in enumerate(
        [
            ("a", True, True),
            ("b", False, True),
            ("c", True, True),
            ("d", True, True),
            ("e", True, True),
            ("f", True, False),
        ]
    ):
        book = volume(number, title=f"Book {name}", subtitle="")
        link = server.add(
            f"/download/{name}.epub", epub() if name in "ae" else epub()[:99], content_type="application/epub+zip"
        )
        view = "ALL_PAGES" if all_pages else "PARTIAL"
        shown = {"isAvailable": True, "downloadLink": link}
        book["accessInfo"] |= {"publicDomain": free, "viewability": view, "epub": shown}
        books.append(book)
    server.add(
        "/books/v1/volumes?q=x&startIndex=0&maxResults=40&printType=books&key=AIza-secret", json.dumps(page(*books))
    )
    server.add("/books/v1/volumes", json.dumps(page()))
    source = GoogleBooks(**VALUES, api=f"{server.url}/books/v1", query="x", full_text=True)
    del server.pages["/download/d.epub"]
    fetched = source.fetch(tmp_path / "s", print)
    found = list(fetched.read())
    first, second, without, third, fourth = (item for item in found if isinstance(item, Document))
    # A book that could not be had leaves its description, and the fault in the quarantine.
    assert without.text.startswith("Book d\n\nAusten's") and third.text.startswith("Book e\n\nFirst")
    assert fourth.text.startswith("Book f\n\nAusten's")
    assert first.text == "Book a\n\nFirst\n\nIt is a truth.\n\nSecond\n\nThe end."
    assert first.metadata["licence"] == "LicenseRef-public-domain"
    assert second.text.startswith("Book b\n\nAusten's") and "licence" not in second.metadata
    bad, gone = (item for item in found if isinstance(item, Unreadable))
    assert bad.reason == "not_zip_or_truncated" and bad.locator.endswith("#2")
    assert gone.reason == "http_404" and gone.locator.endswith("/download/d.epub")
    assert len({path for path in fetched.inputs() if zipfile.is_zipfile(path)}) == 2
    assert [item for shard in fetched.shards() for item in shard.read()] == found
    downloads = [asked for asked in server.asked if "/download/" in asked.path]
    assert [asked.path for asked in downloads] == [f"/download/{name}.epub" for name in "acde"], "and no key in it"


def test_mistakes_are_problems() -> None:
    found = {
        "a": GoogleBooks(),
        "b": GoogleBooks(paths="no*"),
        "c": GoogleBooks(query="x", first_year=1900, last_year=1800),
    }
    problems = [problem for source in found.values() for problem in source.problems(SimpleNamespace(source=found))]
    assert [problem.path for problem in problems] == ["source.a.paths", "source.b.paths", "source.c.last_year"]
