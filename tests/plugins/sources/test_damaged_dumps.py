"""Dumps and tables cut short, with flipped bits, and made to harm: the good records before and behind are read."""

from __future__ import annotations

import bz2
import gzip
import json
import random
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pyarrow
import pytest
import zstandard
from pyarrow import parquet

from pluglm import Document, Unreadable
from pluglm_sources.jsonl import Jsonl
from pluglm_sources.parquet import Parquet
from pluglm_sources.reddit import Reddit
from pluglm_sources.stack_overflow import StackOverflow
from pluglm_sources.text_files import TextFiles
from pluglm_sources.twitter import Twitter


def sentence(number: int) -> str:
    draw = random.Random(number)
    return f"Sentence {number}: " + " ".join("".join(draw.choices("abcdefé", k=6)) for _ in range(8)) + "."


def jsonl(number):
    return json.dumps({"text": sentence(number)}, ensure_ascii=False)


def reddit(number):
    return json.dumps({"id": f"c{number}", "author": "ada", "body": sentence(number)}, ensure_ascii=False)


def answers(number):
    return json.dumps({"data": [{"id": str(number), "text": sentence(number)}]}, ensure_ascii=False)


def question(number):
    return f'  <row Id="{number + 1}" PostTypeId="1" Title="T" Body="&lt;p&gt;{sentence(number)}&lt;/p&gt;" />'


LINES: dict[str, tuple[Callable[[int], str], Any, dict[str, Any]]] = {
    "jsonl": (jsonl, Jsonl, {}),
    "text": (sentence, TextFiles, {"unit": "line"}),
    "reddit": (reddit, Reddit, {"acknowledge_terms": True}),
    "twitter": (answers, Twitter, {"acknowledge_terms": True}),
    "stack_overflow": (question, StackOverflow, {"answered": False}),
}


def read(kind, path):
    _, technique, parameters = LINES[kind]
    return list(technique(paths=(str(path),), **parameters).read())


def of(found, kind):
    return [item for item in found if isinstance(item, kind)]


def numbers(found) -> list[int]:
    """Which sentences were read, by their whole text."""
    known = {sentence(number): number for number in range(200)}
    return [known[line] for d in of(found, Document) for line in d.text.split("\n") if line in known]


@pytest.mark.parametrize("kind", LINES)
def test_flipped_bits_cost_the_lines_they_hit(kind, tmp_path):
    lines = [LINES[kind][0](number).encode() for number in range(100)]
    whole, draw = b"\n".join(lines) + b"\n", random.Random(kind)
    starts = [sum(len(line) + 1 for line in lines[:number]) for number in range(len(lines))]
    for _ in range(20):
        data, hit = bytearray(whole), set()
        for place in draw.sample(range(len(data)), 5):
            data[place] ^= 1 << draw.randrange(8)
            number = sum(start <= place for start in starts) - 1
            # A line end that is gone joins two lines.
            hit |= {number, number + 1} if whole[place] == 10 else {number}
        (tmp_path / "a").write_bytes(data)
        found = read(kind, tmp_path / "a")
        # A number that was flipped into another's keeps that one out, and this is told.
        twice = {
            int(item.locator.rpartition(":")[2]) - 1 for item in of(found, Unreadable) if item.reason == "duplicate_id"
        }
        assert len(twice) <= len(hit)
        good = [number for number in range(100) if number not in hit | twice]
        assert [number for number in numbers(found) if number in good] == good
        for item in of(found, Unreadable):
            assert item.locator.startswith(f"{tmp_path / 'a'}:") and item.reason


@pytest.mark.parametrize("kind", LINES)
@pytest.mark.parametrize("pack", [bytes, gzip.compress, zstandard.compress])
def test_a_file_cut_short_gives_what_is_before(kind, pack, tmp_path):
    lines = [LINES[kind][0](number).encode() + b"\n" for number in range(150)]
    packed = pack(b"".join(lines))
    suffix = {bytes: "", gzip.compress: ".gz"}.get(pack, ".zst")
    path = tmp_path / f"a{suffix}"
    for share in (0.3, 0.7):
        cut = packed[: int(len(packed) * share)]
        path.write_bytes(cut)
        found = read(kind, path)
        if pack is bytes:
            before = sum(len(b"".join(lines[: n + 1])) <= len(cut) for n in range(150))
            assert numbers(found)[:before] == list(range(before))
        else:
            assert of(found, Unreadable)[-1].reason == "truncated_or_damaged"
            assert numbers(found) == list(range(len(numbers(found))))
        assert pack is zstandard.compress or len(numbers(found)) > 20


@pytest.mark.parametrize("suffix", [".gz", ".zst", ".bz2"])
def test_of_a_damaged_member_no_line_is_believed_and_each_is_told(suffix, tmp_path):
    lines = [sentence(number) + "\n" for number in range(150)]
    checked: Any = zstandard.ZstdCompressor(write_checksum=True).compress
    pack = {".gz": gzip.compress, ".bz2": bz2.compress}.get(suffix, checked)
    packed, path, known = pack("".join(lines).encode()), tmp_path / f"a{suffix}", {line.strip() for line in lines}
    draw, told = random.Random(4), 0
    for _ in range(60):
        damaged = bytearray(packed)
        damaged[draw.randrange(len(packed))] ^= 1 << draw.randrange(8)
        path.write_bytes(damaged)
        found = read("text", path)
        # What is read is as it was written, whichever bit was flipped; the head of a file may be changed without harm.
        assert all(item.text in known for item in of(found, Document))
        assert len(of(found, Document)) in (0, 150)
        if not of(found, Document):
            assert {item.reason for item in of(found, Unreadable)} <= {"damaged_member", "truncated_or_damaged"}
            assert of(found, Unreadable)[-1].reason == "truncated_or_damaged"
            told += len(of(found, Unreadable))
    assert told > (60 if suffix == ".gz" else 40)


@pytest.mark.parametrize("kind", LINES)
@pytest.mark.parametrize("suffix", [".gz", ".zst"])
def test_behind_a_damaged_member_reading_goes_on(kind, suffix, tmp_path):
    lines = [LINES[kind][0](number).encode() + b"\n" for number in range(120)]
    text = b"".join(lines)
    # As bgzip packs: members of one size, wherever lines end.
    pack = gzip.compress if suffix == ".gz" else zstandard.ZstdCompressor(write_checksum=True).compress
    members = [pack(text[at : at + 700]) for at in range(0, len(text), 700)]
    ends = [sum(map(len, lines[: number + 1])) for number in range(120)]
    path, draw = tmp_path / f"a{suffix}", random.Random(9)
    for _ in range(8):
        damaged = [bytearray(member) for member in members]
        hit = draw.sample(range(len(members)), 2)
        for number in hit:
            damaged[number][draw.randrange(len(damaged[number]))] ^= 1 << draw.randrange(8)
        path.write_bytes(b"".join(damaged))
        found = read(kind, path)
        if len(numbers(found)) == 120:
            continue
        # Behind a damaged member the first line is not whole, or not known to be.
        touched = {
            number for number in range(120) for member in hit
            if (ends[number - 1] if number else 0) <= 700 * (member + 1) and ends[number] > 700 * member
        }  # fmt: skip
        good = [number for number in range(120) if number not in touched]
        assert [number for number in numbers(found) if number in good] == good
        broken = [item for item in of(found, Unreadable) if item.reason == "truncated_or_damaged"]
        starts = [sum(map(len, members[:number])) for number in sorted(hit)]
        # A bit of the head may not matter, as that for the time.
        assert broken and all(int(item.detail.rpartition(" ")[2]) in starts for item in broken)


def test_zeros_behind_the_last_member_are_no_damage(tmp_path):
    (tmp_path / "a.gz").write_bytes(gzip.compress(sentence(1).encode()) + bytes(2_000_000))
    assert numbers(read("text", tmp_path / "a.gz")) == [1]
    (tmp_path / "a.gz").write_bytes(gzip.compress(sentence(1).encode()) + b"noise")
    found = list(TextFiles(paths=str(tmp_path / "a.gz"), unit="line").read())
    assert [item.reason for item in of(found, Unreadable)] == ["truncated_or_damaged"]


HARM = {
    "jsonl": [
        '{"text": "a\\ud800b"}',
        '{"text": "x", "' + "a" * 100 + '": ' + "[" * 100_000,
        '{"text": 1' + "0" * 9000 + "}",
    ],
    "reddit": ['{"id": "c", "body": "\\udfff"}', "[" * 100_000, '{"id": "c", "body": {"a": 1}}'],
    "twitter": ['{"data": [{"id": "1", "text": "\\ud83d"}]}', "[" * 100_000, '{"data": ["x"]}'],
    "stack_overflow": [
        '<!DOCTYPE r [<!ENTITY a "aaaaaaaaaa"><!ENTITY b "&a;&a;&a;&a;">]><row Id="900" PostTypeId="1" Body="&b;" />',
        '<!DOCTYPE r [<!ENTITY a SYSTEM "file:///etc/passwd">]><row Id="901" PostTypeId="1">&a;</row>',
        '<row Id="902" PostTypeId="1" Body="&#xD800;" />',
        '<row Id="99999999999999999999999" PostTypeId="1" Body="x" />',
        "<a>" * 100_000,
    ],
    "text": [],
}  # fmt: skip


@pytest.mark.parametrize("kind", LINES)
def test_harmful_lines_cost_themselves_alone(kind, tmp_path):
    bad = [line.encode() for line in HARM[kind]] + [b"nul \0 byte", b"\xff\xfe\xfd", b"\xed\xa0\x80 a surrogate"]
    lines = [LINES[kind][0](1).encode()]
    for number, line in enumerate(bad):
        lines += [line, LINES[kind][0](number + 2).encode()]
    (tmp_path / "a").write_bytes(b"\n".join(lines))
    found = read(kind, tmp_path / "a")
    assert numbers(found) == list(range(1, len(bad) + 2))
    # Line 1 is good, and then every second.
    places = [item.locator.removeprefix(f"{tmp_path / 'a'}:").partition("#")[0] for item in of(found, Unreadable)]
    assert places == [str(2 * number + 2) for number in range(len(bad))]


def test_a_row_of_half_a_million_columns(tmp_path):
    row = {f"c{number}": number for number in range(500_000)}
    (tmp_path / "a").write_text(f"{jsonl(1)}\n{json.dumps(row)}\n{jsonl(2)}\n")
    found = read("jsonl", tmp_path / "a")
    assert numbers(found) == [1, 2] and of(found, Unreadable)[0].reason == "missing_column"
    assert len(of(found, Unreadable)[0].detail) < 500
    small = list(Jsonl(paths=str(tmp_path / "a"), max_line_bytes=1000).read())
    assert numbers(small) == [1, 2] and of(small, Unreadable)[0].reason == "line_too_long"


def test_odd_values_of_posts(tmp_path):
    odd = {"id": "c", "author": ["x"], "body": "Odd.", "created_utc": "9" * 30, "score": "many", "subreddit": 7}
    (tmp_path / "a").write_text(json.dumps(odd))
    (found,) = read("reddit", tmp_path / "a")
    assert found.text == "Odd." and "created" not in found.metadata
    odd = {"id": 1, "text": "Odd.", "public_metrics": [], "referenced_tweets": 5, "note_tweet": "x", "lang": {}}
    (tmp_path / "a").write_text(json.dumps({"data": [odd], "errors": 3}))
    assert [d.text for d in read("twitter", tmp_path / "a")] == ["Odd."]


# An account's archive is one array


def archive(count=100) -> tuple[bytes, list[int]]:
    parts, starts = [b"window.YTD.tweets.part0 = [\n"], []
    for number in range(count):
        entities = {"hashtags": [{"text": "a", "indices": [0, 1]}], "user_mentions": [{"id_str": "7", "name": "b"}]}
        post = {"id_str": str(number), "full_text": sentence(number), "entities": entities, "lang": "en"}
        starts.append(sum(map(len, parts)))
        text = json.dumps({"tweet": post}, indent=2, ensure_ascii=False)
        parts.append(text.encode() + (b",\n" if number < count - 1 else b"\n]"))
    return b"".join(parts), starts


@pytest.mark.parametrize("block", [1, 100, 1 << 18])
def test_an_archive_is_read_by_its_elements(block, tmp_path, monkeypatch):
    monkeypatch.setattr("pluglm_sources.files.json_arrays.BLOCK", block)
    data, starts = archive(30)
    (tmp_path / "tweets.js").write_bytes(data)
    found = read("twitter", tmp_path / "tweets.js")
    assert numbers(found) == list(range(30)) and not of(found, Unreadable)
    assert [int(d.metadata["locator"].rpartition("@")[2]) for d in found] == starts


def test_flipped_bits_in_an_archive_cost_the_posts_they_hit(tmp_path):
    data, starts = archive()
    draw = random.Random(11)
    for _ in range(40):
        damaged, hit = bytearray(data), set()
        for place in draw.sample(range(starts[0], len(data) - 2), 4):
            damaged[place] ^= 1 << draw.randrange(7)
            number = sum(start <= place for start in starts) - 1
            # Between two posts stands what may hold on to the next.
            hit |= {number} if place < (starts[number + 1] - 2 if number < 99 else len(data)) else {number, number + 1}
        (tmp_path / "tweets.js").write_bytes(damaged)
        found = read("twitter", tmp_path / "tweets.js")
        good = [number for number in range(100) if number not in hit]
        assert [number for number in numbers(found) if number in good] == good
    (tmp_path / "tweets.js").write_bytes(data[: starts[60] + 20])
    found = read("twitter", tmp_path / "tweets.js")
    assert numbers(found) == list(range(60))
    assert [item.locator for item in of(found, Unreadable)] == [f"{tmp_path / 'tweets.js'}@{starts[60]}"]


def test_an_answer_on_many_lines_cut_short(tmp_path):
    answer = {"data": [{"id": str(n), "text": sentence(n)} for n in range(50)], "meta": {"result_count": 50}}
    text = json.dumps(answer, indent=2, ensure_ascii=False)
    (tmp_path / "a.json").write_text(text)
    assert numbers(read("twitter", tmp_path / "a.json")) == list(range(50))
    (tmp_path / "a.json").write_text(text[: len(text) // 2])
    found = read("twitter", tmp_path / "a.json")
    assert 20 < len(numbers(found)) < 30 and numbers(found) == list(range(len(numbers(found))))
    assert len(of(found, Unreadable)) == 1


# Parquet


def test_flipped_bits_in_parquet_stop_nothing(tmp_path):
    path = tmp_path / "a.parquet"
    table = pyarrow.table({"text": [sentence(number) for number in range(100)]})
    parquet.write_table(table, path, row_group_size=10, write_page_checksum=True, compression="zstd")
    data, draw = path.read_bytes(), random.Random(12)
    groups = parquet.ParquetFile(path).metadata
    lost = 0
    for _ in range(30):
        damaged = bytearray(data)
        place = draw.randrange(4, len(data) - 200)
        damaged[place] ^= 1 << draw.randrange(8)
        path.write_bytes(damaged)
        found = list(Parquet(paths=str(path)).read())
        hit = [
            group
            for group in range(10)
            if (about := groups.row_group(group).column(0)).dictionary_page_offset is not None
            and about.dictionary_page_offset <= place < about.dictionary_page_offset + about.total_compressed_size
        ]
        if of(found, Unreadable) and of(found, Document):
            lost += 1
        good = [number for number in range(100) if number // 10 not in hit]
        last = groups.row_group(9).column(0)
        end = last.dictionary_page_offset + last.total_compressed_size
        # Behind the row groups is the table of contents, without which nothing can be found.
        if place < end:
            assert [number for number in numbers(found) if number in good] == good
        else:
            assert of(found, Unreadable) or len(of(found, Document)) == 100
    assert lost > 5


# Memory


@pytest.mark.parametrize("kind", ["jsonl", "reddit", "twitter", "stack_overflow"])
def test_memory_does_not_grow_with_the_file(kind, tmp_path):
    make, technique, parameters = LINES[kind]
    path = tmp_path / "a"
    script = (
        "import resource, sys\n"
        f"from {technique.__module__} import {technique.__name__} as T\n"
        f"n = sum(1 for _ in T(paths=({str(path)!r},), **{parameters!r}).read())\n"
        "print(n, resource.getrusage(resource.RUSAGE_SELF).ru_maxrss // 1024)\n"
    )
    peaks = []
    for count in (300, 10_000):
        with path.open("w", encoding="utf-8") as file:
            file.writelines(make(number) + " " * 3000 + "\n" for number in range(count))
        done = subprocess.run([sys.executable, "-c", script], capture_output=True, text=True, check=True)
        read_count, peak = map(int, done.stdout.split())
        assert read_count == count
        peaks.append(peak)
    # The files are 1 MB and 32 MB.
    assert peaks[1] - peaks[0] < 15, peaks
    assert Path(path).stat().st_size > 30_000_000
