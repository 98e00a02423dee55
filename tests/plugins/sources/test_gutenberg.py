"""Headers and licences as Project Gutenberg wrote them at different times, around texts of Python's reference."""

from __future__ import annotations

import gzip
import io
import zipfile
from itertools import chain
from pathlib import Path
from pydoc_data.topics import topics
from types import SimpleNamespace
from typing import Any

import pytest

from pluglm import Document, Dropped, Source, Unreadable
from pluglm_sources.gutenberg import Gutenberg, addresses
from pluglm_sources.text.gutenberg import book, encoding_of, released

TEXTS = [topics[name].strip("\n") for name in ("assert", "strings", "integers")]
# Of 44956-8.txt, 2014.
THIS = """The Project Gutenberg EBook of {title}, by {author}

This eBook is for the use of anyone anywhere at no cost and with
almost no restrictions whatsoever.  You may copy it, give it away or
re-use it under the terms of the Project Gutenberg License included
with this eBook or online at www.gutenberg.org


Title: {title}

Author: {author}

Release Date: February 18, 2014 [EBook #{number}]

Language: {language}

Character set encoding: {encoding}

*** START OF THIS PROJECT GUTENBERG EBOOK {upper} ***




Produced by Norbert H. Langkau, Jens Nordmann and the
Online Distributed Proofreading Team at http://www.pgdp.net





{text}





End of the Project Gutenberg EBook of {title}, by {author}

*** END OF THIS PROJECT GUTENBERG EBOOK {upper} ***

***** This file should be named {number}-8.txt or {number}-8.zip *****
This and all associated files of various formats will be found in:
        http://www.gutenberg.org/4/4/9/5/{number}/
"""
# Of pg71688.txt, 2023.
THE = """\ufeffThe Project Gutenberg eBook of {title}
    
This ebook is for the use of anyone anywhere in the United States and
most other parts of the world at no cost and with almost no restrictions
whatsoever. You may copy it, give it away or re-use it under the terms
of the Project Gutenberg License included with this ebook or online
at www.gutenberg.org. If you are not located in the United States,
you will have to check the laws of the country where you are located
before using this eBook.

Title: {title}


Author: {author}

Release date: September 19, 2023 [eBook #{number}]

Language: {language}

Original publication: London: Longmans, Green, and Co, 1921

Credits: The Online Distributed Proofreading Team at https://www.pgdp.net (This file was
        produced from images generously made available by The Internet Archive)


*** START OF THE PROJECT GUTENBERG EBOOK {upper} ***




{text}




*** END OF THE PROJECT GUTENBERG EBOOK {upper} ***

    

Updated editions will replace the previous one—the old editions will
be renamed.
"""
# Of alice30.txt, 1994.
OLD = """**The Project Gutenberg Etext of {title}**
#1 in our series by {author}

This is the 30th edition of Alice in Wonderland as prepared by
Duncan Research for Project Gutenberg:

March, 1994  [Etext #{number}]

*****The Project Gutenberg Etext of {title}*****

***START**THE SMALL PRINT!**FOR PUBLIC DOMAIN ETEXTS**START***

This "Small Print!" by Charles B. Kramer, Attorney
Internet (72600.2026@compuserve.com); TEL: (212-254-5093)
*END*THE SMALL PRINT! FOR PUBLIC DOMAIN ETEXTS*Ver.04.29.93*END*




{text}




End of The Project Gutenberg Etext of {title}
"""
STYLES = {"this": THIS, "the": THE, "old": OLD}


def file_of(style: str, text: str, number: int = 44956, **values: str) -> str:
    values = {
        "title": "A Reference",
        "author": "Guido van Rossum",
        "language": "English",
        "encoding": "UTF-8",
        **values,
    }
    return STYLES[style].format(text=text, number=number, upper=values["title"].upper(), **values)


def put(path: str, content: str | bytes) -> Path:
    file = Path(path)
    file.parent.mkdir(parents=True, exist_ok=True)
    file.write_bytes(content if isinstance(content, bytes) else content.replace("\n", "\r\n").encode())
    return file


def zipped(**members: bytes) -> bytes:
    packed = io.BytesIO()
    with zipfile.ZipFile(packed, "w", zipfile.ZIP_DEFLATED) as archive:
        for name, content in members.items():
            archive.writestr(name, content)
    return packed.getvalue()


def documents(source: Source) -> list[Document]:
    return [item for item in source.read() if isinstance(item, Document)]


def troubles(source: Source) -> list[tuple[str, str]]:
    return [(item.locator, item.reason) for item in source.read() if isinstance(item, Unreadable)]


@pytest.mark.parametrize("style", STYLES)
@pytest.mark.parametrize("text", TEXTS)
def test_nothing_is_left_of_header_and_licence_and_nothing_is_lost_of_the_book(style: str, text: str) -> None:
    put("44956.txt", file_of(style, text))
    (document,) = documents(Gutenberg(paths="44956.txt"))
    assert document.text == text
    assert (document.metadata["title"], document.metadata["author"]) == ("A Reference", "Guido van Rossum")
    assert document.metadata["number"] == 44956
    assert document.metadata["licence"] == "LicenseRef-public-domain-US"


def test_what_the_header_says_is_kept() -> None:
    title = "Die Verwandlung einer ganz und gar gewöhnlichen Bibliothek in eine"
    header = file_of("the", "Text.", title=f"{title}\n       andere", language="German")
    # A long title is broken in the marker, too.
    found = book(header.replace("EINE\n       ANDERE ***", "EINE\nANDERE ***"))
    assert found.text == "Text."
    assert found.number == 44956
    assert found.metadata == {
        "title": f"{title} andere",
        "author": "Guido van Rossum",
        "language": "de",
        "released": "2023-09-19",
        "original_publication": "London: Longmans, Green, and Co, 1921",
        "credits": "The Online Distributed Proofreading Team at https://www.pgdp.net (This file was produced from "
        "images generously made available by The Internet Archive)",
    }
    produced = book(file_of("this", "Text.")).metadata["credits"]
    assert produced.startswith("Produced by Norbert H. Langkau") and produced.endswith("http://www.pgdp.net")


@pytest.mark.parametrize(
    ("said", "date"),
    [("June, 1998", "1998-06"), ("February 18, 2014", "2014-02-18"), ("August 2, 2006 ", "2006-08-02"), ("soon", None)],
)
def test_dates(said: str, date: str | None) -> None:
    assert released(said) == date


@pytest.mark.parametrize(
    ("start", "end"),
    [
        ("***START OF THE PROJECT GUTENBERG EBOOK A BOOK***", "***END OF THE PROJECT GUTENBERG EBOOK A BOOK***"),
        ("*** START OF THE PROJECT GUTENBERG EBOOK 11 ***", "*** END OF THE PROJECT GUTENBERG EBOOK 11 ***"),
        ("*** START OF THIS PROJECT GUTENBERG ETEXT ***", "*** END OF THIS PROJECT GUTENBERG ETEXT ***"),
        (
            "*** START OF THE COPYRIGHTED PROJECT GUTENBERG EBOOK A ***",
            "*** END OF THE COPYRIGHTED PROJECT GUTENBERG EBOOK",
        ),
        ("*END THE SMALL PRINT! FOR PUBLIC DOMAIN ETEXTS*Ver.04.29.93*END*", "End of Project Gutenberg's A Book"),
        ("ENDTHE SMALL PRINT! FOR PUBLIC DOMAIN ETEXTSVer.04.29.93END", "End of the Project Gutenberg EBook of A"),
        (
            "*END*THE SMALL PRINT! FOR PUBLIC DOMAIN EBOOKS*Ver.02/11/02*END*",
            "*** END OF THE PROJECT GUTENBERG EBOOK A ***",
        ),
        ("*END*THE SMALL PRINT! FOR PUBLIC DOMAIN ETEXTS*Ver.04.29.93*END*", ""),
        (
            "*** START OF THE PROJECT GUTENBERG EBOOK A ***\n\n\n**The Legal Small Print**\n\n"
            "*END*THE SMALL PRINT! FOR PUBLIC DOMAIN EBOOKS*Ver.02/11/02*END*",
            "*** END OF THE PROJECT GUTENBERG EBOOK A ***",
        ),
        (
            "*** START OF THE PROJECT GUTENBERG EBOOK A ***",
            "***START**THE SMALL PRINT!**FOR PUBLIC DOMAIN EBOOKS**START***\nWhy is this here?\n"
            "*END*THE SMALL PRINT! FOR PUBLIC DOMAIN EBOOKS*Ver.02/11/02*END*",
        ),
    ],
)
def test_markers_of_every_year(start: str, end: str) -> None:
    text = TEXTS[1] * 3 + "\n\nThe words Project Gutenberg in a text, and\n*** three stars ***\n\n" + TEXTS[0]
    assert book(f"The Project Gutenberg Etext of A Book, by One\n\n{start}\n\n{text}\n\n{end}\n\nMore.\n").text == (
        text if end else f"{text}\n\n\n\nMore."
    )


def test_a_work_in_parts_ends_at_its_last_end() -> None:
    parts = "Part one.\n\nEnd of this Project Gutenberg Etext of Part One\n\nPart two." + "\n\nMore." * 3000
    assert book(file_of("this", parts)).text == parts
    twice = file_of("this", "One.").replace("One.", "One.\n\n*** END OF THIS PROJECT GUTENBERG EBOOK ONE ***\n\nTwo.")
    assert book(twice).text.startswith("One.") and book(twice).text.endswith("Two.")


@pytest.mark.parametrize(
    ("name", "said", "codec"),
    [
        ("5-8.txt", "ISO-8859-1", "latin-1"),
        ("5-8.txt", "ISO Latin-1", "latin-1"),
        ("5-8.txt", "", "latin-1"),
        ("5.txt", "Windows-1252", "cp1252"),
        ("5.txt", "MacRoman", "mac_roman"),
        ("5-8.txt", "ISO-8859-2", "iso8859_2"),
        ("5-5.txt", "Big5", "big5"),
        ("5-0.txt", "UTF-8", "utf-8"),
        # What a header says and what the bytes are differ: bytes that are UTF-8 are that by no accident.
        ("5-8.txt", "ISO-8859-1", "utf-8"),
        ("5.txt", "ASCII", "utf-8"),
    ],
)
def test_encodings(name: str, said: str, codec: str) -> None:
    letters = "中文書籍" if codec == "big5" else "Größe, naïve" if codec != "iso8859_2" else "Łódź"
    text = file_of("this", letters, encoding=said).encode(codec)
    put(name, text)
    (document,) = documents(Gutenberg(paths=name))
    assert document.text == letters


def test_latin_1_with_quotes_of_windows() -> None:
    put("5-8.txt", file_of("this", "“Größe” – naïve", encoding="ISO-8859-1").encode("cp1252"))
    assert documents(Gutenberg(paths="5-8.txt"))[0].text == "“Größe” – naïve"
    assert encoding_of("\ufeffa".encode("utf-16"), "a.txt") == "utf-16"


def test_of_a_mirror_each_book_is_taken_once_in_its_best_form() -> None:
    latin = file_of("this", "Latin text: ä", 1342, encoding="ISO-8859-1").encode("latin-1")
    put("m/1/3/4/1342/1342-8.txt", latin)
    put("m/1/3/4/1342/1342.txt", file_of("this", "Plain text", 1342))
    put("m/1/3/4/1342/1342-0.txt", file_of("the", "Best text: ä", 1342))
    put("m/1/3/4/1342/1342-0.zip", zipped(**{"1342-0.txt": file_of("the", "Zipped text", 1342).encode()}))
    put("m/1/3/4/1342/old/pg1342.txt", file_of("old", "Replaced text", 1342))
    put("m/1/3/4/1342/1342-h/1342-h.htm", "<html>")
    put("m/1/3/4/1342/1342-h.zip", zipped(**{"1342-h.htm": b"<html>"}))
    put("m/1/3/4/1342/1342-readme.txt", "no book")
    put("m/1/0/10/10-8.zip", zipped(**{"10-8.txt": latin}))
    put("m/0/5/5.txt", file_of("old", "Fifth", 5))
    put("m/cache/epub/77/pg77.txt.utf8.gzip", gzip.compress(file_of("the", "Cached", 77).encode()))
    source = Gutenberg(paths="m")
    assert [path.name for path in source.inputs()] == ["5.txt", "10-8.zip", "1342-0.txt", "pg77.txt.utf8.gzip"]
    found = documents(source)
    assert [document.text for document in found] == ["Fifth", "Latin text: ä", "Best text: ä", "Cached"]
    assert [document.metadata["number"] for document in found] == [5, 10, 1342, 77]
    assert troubles(source) == []
    assert [document.text for document in documents(Gutenberg(paths="m/1/3/4/1342/*8.txt"))] == ["Latin text: ä"]


def test_books_of_other_languages_and_under_copyright_are_left_out() -> None:
    put("1.txt", file_of("the", "One", 1, language="French"))
    put("2.txt", file_of("the", "Two", 2))
    own = "\n  *** This is a COPYRIGHTED Project Gutenberg eBook. Details Below. ***\n\nTitle:"
    put("3.txt", file_of("the", "Three", 3).replace("\nTitle:", own))
    put("4.txt", file_of("old", "Four", 4))
    french = list(Gutenberg(paths="*.txt", languages=("fr",)).read())
    assert [item.text if isinstance(item, Document) else getattr(item, "reason", "") for item in french] == [
        *("One", "other_language", "copyrighted", "unknown_language")
    ]
    assert [item for item in Gutenberg(paths="*.txt").read() if isinstance(item, Dropped)] == [Dropped("copyrighted")]
    (document,) = documents(Gutenberg(paths="3.txt", copyrighted=True))
    assert document.metadata["licence"] == "LicenseRef-gutenberg-copyrighted"


def test_damaged_books_are_quarantined_and_those_around_them_read() -> None:
    whole = file_of("this", "Text. " * 500)
    put("01.txt", whole)
    put("02.txt", whole[: len(whole) * 2 // 3])
    put("03.txt", "Just a text that came from elsewhere.")
    put("04.txt", whole.replace("Text.", "Te\0t.", 1))
    put("05.txt", file_of("this", "\x81\x8d", encoding="ISO-8859-1").encode("latin-1"))
    put("06.txt", "")
    put("07.txt", file_of("this", " \n "))
    put("08.zip", zipped(**{"8.txt": whole.encode()})[:-30])
    flipped = bytearray(zipped(**{"9.txt": whole.encode()}))
    flipped[60] ^= 0xFF
    put("09.zip", bytes(flipped))
    put("10.zip", zipped(**{"../../10.txt": whole.encode(), "10.txt": whole.encode()}))
    put("11.zip", zipped(**{"11.txt": b" " * 5_000_000}))
    put("12.zip", zipped(**{"12.htm": b"<html>"}))
    put("13.txt.gz", gzip.compress(whole.encode())[:-20])
    put("14.txt", whole)
    source = Gutenberg(paths=("*.txt", "*.zip", "*.gz"), max_bytes=1_000_000)
    assert [document.id for document in documents(source)] == ["01.txt", "10.zip:10.txt", "14.txt"]
    assert troubles(source) == [
        ("02.txt", "truncated"),
        ("03.txt", "no_start_marker"),
        ("04.txt", "nul_bytes"),
        ("05.txt", "undecodable"),
        ("06.txt", "empty_file"),
        ("07.txt", "empty_book"),
        ("08.zip", "not_zip_or_truncated"),
        ("09.zip:9.txt", "truncated_or_damaged"),
        ("10.zip:../../10.txt", "unsafe_path"),
        ("11.zip:11.txt", "file_too_large"),
        ("12.zip", "no_text_in_archive"),
        ("13.txt.gz", "truncated_or_damaged"),
    ]
    assert not Path("../10.txt").exists() and not Path("../../10.txt").exists()


def fetched(source: Gutenberg, tmp_path: Path) -> tuple[Source, list[str]]:
    said: list[str] = []
    return source.fetch(tmp_path / "store", said.append), said


def test_books_are_fetched_by_number_from_where_a_mirror_has_them(server: Any, tmp_path: Path) -> None:
    pages = {
        "/cache/epub/1342/pg1342.txt": file_of("the", "Cached ä", 1342).encode(),
        "/files/11/11-0.txt": file_of("the", "Eleven", 11).encode(),
        "/1/0/100/100-8.txt": file_of("this", "Größe", 100, encoding="ISO-8859-1").encode("latin-1"),
        "/files/7/7.txt": file_of("the", "Seven", 7).encode()[:900],
    }
    for path, body in pages.items():
        server.add(path, body, content_type="text/plain")
    values = {"mirror": server.url + "/", "allow_private_hosts": True, "delay": 0, "backoff": 0}
    source, said = fetched(Gutenberg(books=(1342, 11, 100, 404, 7, 11), **values), tmp_path)
    assert [document.text for document in documents(source)] == ["Cached ä", "Eleven", "Größe"]
    first = documents(source)[0]
    assert first.id == first.metadata["locator"] == f"{server.url}/cache/epub/1342/pg1342.txt"
    assert first.metadata["retrieved"].endswith("+00:00")
    assert troubles(source) == [
        (f"{server.url}/ebooks/404", "http_404"),
        (f"{server.url}/files/7/7.txt", "truncated"),
    ]
    assert len(said) == 1 and "404" in said[0]
    asked = len(server.asked)
    again, _ = fetched(Gutenberg(books=(1342, 11, 100, 404, 7, 11), **values), tmp_path)
    assert list(again.read()) == list(source.read()) and len(server.asked) == asked, "the second run asks nothing"
    assert set(source.inputs()) == set(again.inputs()) and len(list(source.inputs())) == 5


def test_a_server_that_fails_is_told_and_asked_again_the_next_time(server: Any, tmp_path: Path) -> None:
    good = file_of("the", "Book", 9).encode()
    server.add("/cache/epub/9/pg9.txt", b"busy", status=503)
    values = {"mirror": server.url, "allow_private_hosts": True, "delay": 0, "backoff": 0, "retries": 1}
    source, said = fetched(Gutenberg(books=(9,), **values), tmp_path)
    assert troubles(source) == [(f"{server.url}/cache/epub/9/pg9.txt", "http_503")] and "http_503" in said[0]
    server.add("/cache/epub/9/pg9.txt", good)
    source, _ = fetched(Gutenberg(books=(9,), **values), tmp_path)
    assert [document.text for document in documents(source)] == ["Book"]
    put("local.txt", file_of("the", "Local"))
    source, _ = fetched(Gutenberg(paths="local.txt", books=(9,), **values), tmp_path)
    assert [document.text for document in documents(source)] == ["Local", "Book"]
    shards = [list(shard.read()) for shard in source.shards()]
    assert len(shards) == 2 and list(chain.from_iterable(shards)) == list(source.read())
    assert [path for shard in source.shards() for path in shard.inputs()] == list(source.inputs())


def test_private_hosts_are_refused() -> None:
    source = Gutenberg(books=(9,), mirror="http://127.0.0.1:9", retries=0).fetch(Path("store"), lambda line: None)
    assert troubles(source) == [("http://127.0.0.1:9/cache/epub/9/pg9.txt", "private_host")]


def test_addresses_are_those_of_the_site_and_of_its_mirrors() -> None:
    assert addresses("https://x.org/", 1342)[:3] == [
        "https://x.org/cache/epub/1342/pg1342.txt",
        "https://x.org/files/1342/1342-0.txt",
        "https://x.org/1/3/4/1342/1342-0.txt",
    ]
    assert "https://x.org/0/5/5.txt" in addresses("https://x.org", 5)


def test_nothing_to_read_is_a_problem() -> None:
    found = {"a": Gutenberg(), "b": Gutenberg(paths="nowhere/*"), "c": Gutenberg(books=(1, 0))}
    problems = [problem for source in found.values() for problem in source.problems(SimpleNamespace(source=found))]
    assert [problem.path for problem in problems] == ["source.a.paths", "source.b.paths", "source.c.books"]
