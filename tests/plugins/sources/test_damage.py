"""Every reader of archives and services on bytes flipped, cut, taken out and put in at random."""

from __future__ import annotations

import gzip
import importlib.util
import json
import random
from pathlib import Path
from types import ModuleType
from typing import Any

import pytest

from pluglm import Document, Source, Unreadable
from pluglm_sources.google_books import GoogleBooks
from pluglm_sources.gutenberg import Gutenberg
from pluglm_sources.scientific import Scientific


def beside(name: str) -> ModuleType:
    """What another test file makes."""
    spec = importlib.util.spec_from_file_location(name, Path(__file__).with_name(f"{name}.py"))
    assert spec is not None and spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


GUTENBERG, PAPERS, BOOKS = (beside(f"test_{name}") for name in ("gutenberg", "scientific", "google_books"))
TEXT = " ".join(PAPERS.TEXTS)[:20_000]
EPRINT = PAPERS.tarred({"ms.tex": PAPERS.SOURCE, "second.tex": PAPERS.SECOND})
FILES: dict[str, tuple[type[Source], bytes]] = {
    "44-8.txt": (Gutenberg, GUTENBERG.file_of("this", TEXT, encoding="ISO-8859-1").encode("latin-1", "replace")),
    "45-0.zip": (Gutenberg, GUTENBERG.zipped(**{"45-0.txt": GUTENBERG.file_of("the", TEXT).encode()})),
    "46.txt.gz": (Gutenberg, gzip.compress(GUTENBERG.file_of("old", TEXT).encode())),
    "a.json": (GoogleBooks, json.dumps(BOOKS.page(*(BOOKS.volume(n) for n in range(5)))).encode()),
    "a.jsonl": (GoogleBooks, "\n".join(json.dumps(BOOKS.volume(n)) for n in range(5)).encode()),
    "1-00000-of-00001": (GoogleBooks, "\n".join(BOOKS.LINES * 3).encode()),
    "1-00000-of-00001.gz": (GoogleBooks, gzip.compress("\n".join(BOOKS.LINES * 30).encode())),
    "s.json": (Scientific, "\n".join(json.dumps(PAPERS.row(n)) for n in range(5)).encode()),
    "b.tar": (Scientific, PAPERS.tarred({f"07/0704.000{n}.gz": gzip.compress(EPRINT) for n in range(4)})),
    "c.tar.gz": (Scientific, gzip.compress(EPRINT)),
    "p.nxml": (Scientific, (PAPERS.HEAD + PAPERS.jats("x", 1) + PAPERS.jats("y", 2)).encode()),
    "q.tar.gz": (Scientific, gzip.compress(PAPERS.tarred({f"{n}.nxml": PAPERS.jats("z", n) for n in range(4)}))),
    "x.pdf": (Scientific, PAPERS.pdf(["page one of text", "page two"])),
    "y.tex": (Scientific, PAPERS.SOURCE.encode()),
}


def damaged(content: bytes, drawn: random.Random) -> bytes:
    changed, at, size = bytearray(content), drawn.randrange(len(content)), drawn.randrange(1, 200)
    kind = drawn.choice(("cut", "flip", "flip", "take", "put"))
    if kind == "cut":
        del changed[at:]
    elif kind == "take":
        del changed[at : at + size]
    elif kind == "put":
        changed[at:at] = drawn.randbytes(size)
    else:
        for _ in range(drawn.choice((1, 2, 8))):
            changed[drawn.randrange(len(changed))] ^= 1 << drawn.randrange(8)
    return bytes(changed)


@pytest.mark.parametrize("name", FILES)
def test_no_damage_raises_and_none_goes_by_without_a_word(name: str, capfd: Any) -> None:
    technique, content = FILES[name]
    source = technique.model_validate({"paths": name})
    Path(name).write_bytes(content)
    whole = [item for item in source.read() if isinstance(item, Document)]
    assert whole and not [item for item in source.read() if isinstance(item, Unreadable)]
    drawn, told = random.Random(name), 0
    for _ in range(40):
        changed = damaged(content, drawn)
        Path(name).write_bytes(changed)
        found = list(source.read())
        assert found, "neither a document nor a word"
        bad = [item for item in found if isinstance(item, Unreadable)]
        documents = [item for item in found if isinstance(item, Document)]
        told += bool(bad)
        # Without a checksum in it a format cannot tell a letter that was changed; a document less it must tell.
        assert bad or len(documents) >= len(whole) or name.startswith("1-")
        for item in documents:
            json.dumps([item.text, item.fields, item.metadata], ensure_ascii=False).encode()
        assert all(item.locator.startswith(name) and item.reason for item in bad)
    assert told > (2 if name == "y.tex" else 8)
    assert capfd.readouterr() == ("", "")
