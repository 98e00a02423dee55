"""Files written by the standard library and zstandard, read back; damage by hand; shares by chi-square."""

from __future__ import annotations

import ast
import bz2
import gzip
import json
import os
import pydoc
import random
import re
import sysconfig
from collections.abc import Callable
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest
import zstandard
from pydantic import ValidationError
from scipy.stats import binomtest, chi2_contingency

from pluglm import Document, Unreadable
from pluglm_sources.files.reading import lines_of
from pluglm_sources.generated_reviews import BAD, GOOD, MEN, WOMEN, GeneratedReviews
from pluglm_sources.jsonl import Jsonl
from pluglm_sources.packed.opening import BLOCK
from pluglm_sources.python_library import PythonLibrary, split_docstrings
from pluglm_sources.text_files import TextFiles

PACK: dict[str, Callable[[bytes], bytes]] = {
    "": bytes,
    ".gz": gzip.compress,
    ".bz2": bz2.compress,
    ".zst": zstandard.ZstdCompressor().compress,
}
PACKED = [".gz", ".bz2", ".zst"]


def written(name, content, kind=""):
    path = Path(name + kind)
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_bytes(PACK[kind](content.encode() if isinstance(content, str) else content))
    return str(path)


def texts(source):
    return [document.text for document in source.read() if isinstance(document, Document)]


def troubles(source):
    return [(record.locator, record.reason) for record in source.read() if isinstance(record, Unreadable)]


def numbered(count, seed=0):
    """Lines that hardly compress, so that half of the packed bytes are about half of the lines."""
    drawn = random.Random(seed)
    return [f"{number} {drawn.getrandbits(400):x}" for number in range(count)]


@pytest.mark.parametrize("kind", PACK)
def test_what_was_packed_is_read(kind):
    content = "Größe 東京\n\n  second\r\nthird\n"
    path = written("a.txt", content, kind)
    assert texts(TextFiles(paths=path)) == [content]
    assert texts(TextFiles(paths=path, unit="line")) == ["Größe 東京", "  second", "third"]
    rows = [{"text": "ä\u2028b\nc"}, {"text": "d"}]
    lines = "\n".join(json.dumps(row, ensure_ascii=False) for row in rows)
    assert texts(Jsonl(paths=written("a.jsonl", lines, kind))) == ["ä\u2028b\nc", "d"]


@pytest.mark.parametrize("kind", PACKED)
def test_files_packed_in_several_parts_are_read_to_the_end(kind):
    lines = numbered(3000)
    parts = ["\n".join(lines[:1000]) + "\n", "\n".join(lines[1000:])]
    path = Path("a.txt" + kind)
    path.write_bytes(b"".join(PACK[kind](part.encode()) for part in parts))
    assert texts(TextFiles(paths=str(path), unit="line")) == lines
    assert texts(TextFiles(paths=str(path))) == ["".join(parts)]


@pytest.mark.parametrize("kind", PACKED)
def test_of_a_file_that_breaks_off_the_lines_before_are_read(kind):
    lines = numbered(20_000)
    path = Path(written("a.txt", "\n".join(lines), kind))
    packed = path.read_bytes()
    path.write_bytes(packed[: len(packed) // 2])
    source = TextFiles(paths=str(path), unit="line")
    found = texts(source)
    # bzip2 unpacks blocks of 900 kB alone, so that up to one more is lost.
    assert found == lines[: len(found)]
    assert 20_000 * (0.15 if kind == ".bz2" else 0.4) < len(found) < 20_000 * 0.6
    assert troubles(source) == [(f"{path}:{len(found) + 1}", "truncated_or_damaged")]
    assert troubles(TextFiles(paths=str(path))) == [(str(path), "truncated_or_damaged")]
    assert texts(TextFiles(paths=str(path))) == []


@pytest.mark.parametrize("kind", PACKED)
def test_a_file_that_is_not_what_its_name_says_is_quarantined(kind):
    path = Path("a.txt" + kind)
    path.write_bytes(b"no such thing at all, but plain text\n")
    assert troubles(TextFiles(paths=str(path))) == [(str(path), "truncated_or_damaged")]
    assert troubles(TextFiles(paths=str(path), unit="line")) == [(f"{path}:1", "truncated_or_damaged")]


def test_a_small_file_that_unpacks_to_very_much_is_quarantined():
    path = Path(written("bomb.txt", b"a" * 50_000_000, ".zst"))
    assert path.stat().st_size < 20_000
    assert troubles(TextFiles(paths=str(path), max_bytes=1_000_000)) == [(str(path), "file_too_large")]
    assert troubles(TextFiles(paths=str(path), unit="line", max_bytes=1_000_000)) == [(f"{path}:1", "line_too_long")]


def test_globs_are_sorted_and_take_each_file_once():
    for name in ("b/2.txt", "a/1.txt", "a/deep/3.txt", "a/no.md", "a/.hidden.txt"):
        written(name, name)
    Path("a/folder.txt").mkdir()
    assert texts(TextFiles(paths=("b/*.txt", "**/*.txt"))) == ["a/1.txt", "a/deep/3.txt", "b/2.txt"]
    assert [str(path) for path in TextFiles(paths="a/*.txt").inputs()] == ["a/1.txt"]
    assert len({document.id for document in TextFiles(paths="**/*.txt").read()}) == 3
    with pytest.raises(ValidationError):
        TextFiles(paths=())


@pytest.mark.parametrize("technique", [TextFiles, Jsonl])
def test_a_glob_that_matches_nothing_is_a_problem(technique):
    written("a.txt", "a")
    source = technique(paths=("*.txt", "nowhere/*.txt"))
    problems = list(source.problems(SimpleNamespace(source={"x": source, "y": technique(paths="*.no")})))
    assert [(p.path, p.value) for p in problems] == [("source.x.paths", "nowhere/*.txt")]


def test_a_file_that_goes_away_is_quarantined():
    os.symlink("nowhere", "a.txt")
    assert troubles(TextFiles(paths="a.txt")) == [("a.txt", "unreadable")]
    assert troubles(Jsonl(paths="a.txt")) == [("a.txt:1", "unreadable")]


def test_text_that_is_no_text_is_quarantined():
    written("a.txt", "")
    written("b.txt", b"good\nbad \xff")
    written("c.txt", "nul \0")
    written("d.txt", b"\xef\xbb\xbfmark")
    written("e.txt", "x" * 11)
    source = TextFiles(paths="*.txt", max_bytes=10)
    assert texts(source) == ["mark"]
    assert troubles(source) == [
        ("a.txt", "empty_file"),
        ("b.txt", "invalid_utf8"),
        ("c.txt", "nul_bytes"),
        ("e.txt", "file_too_large"),
    ]
    lines = TextFiles(paths="*.txt", unit="line", max_bytes=10)
    assert texts(lines) == ["good", "mark"]
    assert troubles(lines) == [
        ("a.txt", "empty_file"),
        ("b.txt:2", "invalid_utf8"),
        ("c.txt:1", "nul_bytes"),
        ("e.txt:1", "line_too_long"),
    ]


def test_paragraphs_are_parted_by_blank_lines():
    path = written("a.txt", "\n\none\ntwo\n \t\n\r\n  three\r\n\r\nfour\n")
    documents = list(TextFiles(paths=path, unit="paragraph").read())
    assert [document.text for document in documents] == ["one\ntwo", "three", "four"]
    assert [document.id for document in documents] == ["a.txt#1", "a.txt#2", "a.txt#3"]


def test_damage_costs_its_paragraph():
    path = written("a.txt", b"\xef\xbb\xbfone\n\ntwo \xff\n\nthree \0\n\nfour\n")
    found = list(TextFiles(paths=path, unit="paragraph").read())
    assert [item.text for item in found if isinstance(item, Document)] == ["one", "four"]
    assert [(item.locator, item.reason) for item in found[1:3]] == [
        ("a.txt#2", "invalid_utf8"),
        ("a.txt#3", "nul_bytes"),
    ]


@pytest.mark.parametrize("length", [BLOCK - 1, BLOCK, BLOCK + 1, 2 * BLOCK + 3])
def test_lines_do_not_depend_on_the_blocks_they_are_read_in(length):
    content = b"a" * length + b"\nb\n\n" + b"c" * length
    path = Path(written("a.txt", content))
    assert [line for _, line in lines_of(path, 10**8)] == content.split(b"\n")
    found = list(lines_of(path, 100))
    assert [number for number, _ in found] == [1, 2, 3, 4]
    assert [isinstance(line, Unreadable) for _, line in found] == [True, False, False, True]


def test_json_columns_become_fields_metadata_and_ids():
    row = {"body": "t", "cat": "x", "tags": ["a", "b"], "by": "me", "nr": 7}
    path = written("a.jsonl", json.dumps(row) + "\n\n" + json.dumps(row | {"by": None, "nr": 8}) + "\n")
    source = Jsonl(paths=path, text="body", fields={"label": "cat", "tags": "tags"}, metadata=("by", "no"), id="nr")
    first, second = source.read()
    assert (first.text, first.fields, first.metadata) == ("t", {"label": "x", "tags": ["a", "b"]}, {"by": "me"})
    assert (first.id, second.id) == ("a.jsonl:1:7", "a.jsonl:3:8")


def test_broken_records_are_quarantined_with_their_line_and_reading_goes_on():
    rows = [
        b'{"text": "good", "label": "a"}',
        b'{"text": "cut',
        b'["text"]',
        b'{"label": "a"}',
        b'{"text": null, "label": "a"}',
        b'{"text": "no label"}',
        b'{"text": 3, "label": "a"}',
        b'{"text": "x", "label": {"a": 1}}',
        b'{"text": "\xff", "label": "a"}',
        b"[" * 100_000,
        b'{"text": "' + b"x" * 200_000 + b'", "label": "a"}',
        b'{"text": "last", "label": "b"}',
    ]
    source = Jsonl(paths=written("a.jsonl", b"\n".join(rows)), fields={"label": "label"}, max_line_bytes=150_000)
    assert texts(source) == ["good", "last"]
    assert troubles(source) == [
        ("a.jsonl:2", "invalid_json"),
        ("a.jsonl:3", "not_an_object"),
        ("a.jsonl:4", "missing_column"),
        ("a.jsonl:5", "missing_column"),
        ("a.jsonl:6", "missing_column"),
        ("a.jsonl:7", "wrong_type"),
        ("a.jsonl:8", "wrong_type"),
        ("a.jsonl:9", "invalid_utf8"),
        ("a.jsonl:10", "invalid_json"),
        ("a.jsonl:11", "line_too_long"),
    ]
    assert troubles(Jsonl(paths=written("b.jsonl", ""))) == [("b.jsonl", "empty_file")]


def test_the_library_is_the_same_in_two_calls_and_within_its_size():
    source = PythonLibrary(max_megabytes=2)
    first, second = list(source.read()), list(source.read())
    assert first == second
    assert len({document.id for document in first}) == len(first)
    sizes = [len(document.text) for document in first]
    assert sum(sizes[:-1]) < 2e6 <= sum(sizes)
    assert {document.metadata["licence"] for document in first} == {"PSF-2.0"}
    smaller = list(PythonLibrary(max_megabytes=1).read())
    assert smaller == first[: len(smaller)]
    assert {document.metadata["part"] for document in first} == {"code", "docstrings", "reference"}


def test_the_librarys_code_parses_and_its_docstrings_are_those_that_ast_finds():
    root = Path(sysconfig.get_paths()["stdlib"])
    code = list(PythonLibrary(parts=("code",), max_megabytes=1).read())
    assert len(code) > 20
    for document in code:
        ast.parse(document.text)
        assert not {"test", "tests", "site-packages"} & set(document.id.split("/"))
    for document in PythonLibrary(parts=("docstrings",), max_megabytes=0.1).read():
        tree = ast.parse((root / document.id.removeprefix("docstrings/")).read_text(encoding="utf-8"))
        kinds = (ast.Module, ast.ClassDef, ast.FunctionDef, ast.AsyncFunctionDef)
        wanted = [ast.get_docstring(node) for node in ast.walk(tree) if isinstance(node, kinds)]
        assert document.text == "\n\n".join(filter(None, wanted))


def test_the_reference_is_what_help_shows(monkeypatch):
    shown: list[Any] = []
    monkeypatch.setattr(pydoc, "pager", shown.append)
    pydoc.Helper().showtopic("ASSERTION")
    (topic,) = [d for d in PythonLibrary(parts=("reference",)).read() if d.id == "reference/assert"]
    assert topic.text.strip() in shown[0]
    assert len(topic.text) > 300


def test_docstrings_by_hand():
    code = 'class A:\n    """One\n    two."""\n    def f(self):\n        "Three."\n\nasync def g():\n'
    code += '    """é"""; return 1\n'
    text, rest = split_docstrings(code)
    assert text == "One\ntwo.\n\né\n\nThree."
    assert rest == "class A:\n    def f(self):\n        ...\n\nasync def g():\n    ...; return 1\n"
    for plain in ("def broken(:", "x = 1", "\0"):
        assert split_docstrings(plain) == ("", plain)


def test_no_text_of_the_library_is_taken_twice():
    found = list(PythonLibrary(max_megabytes=3).read())
    assert not any("pydoc_data" in document.id for document in found)
    for document in found:
        if document.metadata["part"] == "code":
            assert split_docstrings(document.text) == ("", document.text)
    (whole,) = [d for d in PythonLibrary(parts=("code",)).read() if d.id == "code/argparse.py"]
    (rest,) = [d for d in PythonLibrary(max_megabytes=None).read() if d.id == "code/argparse.py"]
    before, after = (ast.dump(ast.parse(text)).count("FunctionDef(") for text in (whole.text, rest.text))
    assert before == after and len(rest.text) < len(whole.text)


def reviews(**parameters):
    return list(GeneratedReviews(documents=3000, **parameters).read())


def table(documents):
    return [
        [sum(d.fields == {"label": label, "group": group} for d in documents) for label in ("positive", "negative")]
        for group in ("women", "men")
    ]


def test_labels_and_groups_are_balanced_and_independent():
    (a, b), (c, d) = table(reviews())
    assert a + b + c + d == 3000
    assert binomtest(a + c, 3000).pvalue > 1e-3
    assert binomtest(a + b, 3000).pvalue > 1e-3
    assert chi2_contingency([[a, b], [c, d]]).pvalue > 1e-3


@pytest.mark.parametrize("bias", [0.4, 1.0])
def test_bias_is_the_difference_between_the_groups(bias):
    (a, b), (c, d) = table(reviews(bias=bias))
    if bias == 1:
        assert b == c == 0 and a and d
        return
    assert binomtest(a, a + b, 0.5 + bias / 2).pvalue > 1e-3
    assert binomtest(c, c + d, 0.5 - bias / 2).pvalue > 1e-3


def test_the_same_seed_gives_the_same_reviews_and_more_change_none():
    assert reviews(seed=3) == reviews(seed=3)
    assert [d.text for d in reviews(seed=3)] != [d.text for d in reviews(seed=4)]
    assert list(GeneratedReviews(documents=10, seed=3).read()) == reviews(seed=3)[:10]
    assert len({d.id for d in reviews()}) == 3000


def test_names_are_of_the_group_and_words_of_the_label():
    for document in reviews(mixed=0.0):
        words = set(re.findall(r"\w+", document.text))
        assert not words & set(MEN if document.fields["group"] == "women" else WOMEN)
        # Without mixed sentences the other label's words occur denied or disappointed alone.
        other = BAD if document.fields["label"] == "positive" else GOOD
        for sentence in re.split(r"(?<=[.!]) ", document.text):
            if set(re.findall(r"\w+", sentence)) & set(other):
                assert re.search(r"\bnot\b|^Nobody|expected", sentence), sentence
    assert 2 <= min(len(re.findall(r"[.!]", d.text)) for d in reviews()) <= 5


def test_reviews_can_be_told_apart_by_their_words_but_not_perfectly():
    from sklearn.feature_extraction.text import CountVectorizer
    from sklearn.linear_model import LogisticRegression

    documents = reviews()
    vectors = CountVectorizer(ngram_range=(1, 1), min_df=2).fit_transform([d.text for d in documents])
    labels = [d.fields["label"] for d in documents]
    model = LogisticRegression(max_iter=500).fit(vectors[:2000], labels[:2000])
    assert 0.75 < model.score(vectors[2000:], labels[2000:]) < 0.995
