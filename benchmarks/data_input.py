"""What the programs of `data.py` are given: web pages as WARC, documents as JSON lines, sentences; and what is a
duplicate among them. Made of a folder of .html files, or else of the standard library of Python."""

from __future__ import annotations

import ast
import gzip
import html
import itertools
import json
import random
import re
import sysconfig
import warnings
from collections import defaultdict
from collections.abc import Callable, Iterator
from pathlib import Path

SMALLEST, LARGEST = 1_500, 400_000
WORDS, PLANTED, EDITS = 200, 150, (0, 1, 2, 4, 8, 16, 40)
SENTENCE = re.compile(r"(?<=[.!?])\s+")
PARTS = ("Home", "Index", "Modules", "Search", "Contents", "Previous", "Next", "About", "Licence", "Contact")


def pages(corpus: Path | None, most: int) -> list[tuple[str, bytes]]:
    """(address, HTML) of at most so many pages; every tenth stands there twice, the second time with words changed, as
    a mirror has it."""
    found = list(_library_pages(most)) if corpus is None else list(_folder_pages(corpus, most))
    chance = random.Random(0)
    chance.shuffle(found)
    found = found[: most * 10 // 11]
    mirrors = [(f"https://mirror.example/{address}", edited(page, chance)) for address, page in found[::10]]
    both = [(f"https://site.example/{address}", page) for address, page in found] + mirrors
    chance.shuffle(both)
    return both


def _folder_pages(corpus: Path, most: int) -> Iterator[tuple[str, bytes]]:
    paths = sorted(p for p in corpus.rglob("*.html") if p.is_file() and SMALLEST < p.stat().st_size < LARGEST)
    for path in random.Random(0).sample(paths, min(most, len(paths))):
        yield path.relative_to(corpus).as_posix(), path.read_bytes()


def _library_pages(most: int) -> Iterator[tuple[str, bytes]]:
    from pydoc_data.topics import topics

    for name, text in sorted(topics.items()):
        paragraphs = "".join(f"<p>{html.escape(part)}</p>\n" for part in text.split("\n\n"))
        yield f"topics/{name}.html", page_of(name, paragraphs)
    root = Path(sysconfig.get_paths()["stdlib"])
    files = sorted(path for path in root.rglob("*.py") if "site-packages" not in path.parts)
    files = [path for path in files if SMALLEST < path.stat().st_size < LARGEST]
    for path in random.Random(0).sample(files, min(most, len(files))):
        name = path.relative_to(root).with_suffix("").as_posix()
        try:
            yield f"library/{name}.html", page_of(name, described(path.read_text(encoding="utf-8")))
        except (SyntaxError, ValueError):
            continue


def described(code: str) -> str:
    """HTML of a module: what its docstrings say, and its code."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        tree = ast.parse(code)
    parts = []
    for node in ast.walk(tree):
        if isinstance(node, ast.Module | ast.ClassDef | ast.FunctionDef) and (said := ast.get_docstring(node)):
            paragraphs = "".join(f"<p>{html.escape(part)}</p>\n" for part in said.split("\n\n"))
            parts.append(f"<h2>{html.escape(getattr(node, 'name', 'Synopsis'))}</h2>\n{paragraphs}")
    return "".join(parts) + f"<h2>Source</h2>\n<pre>{html.escape(code)}</pre>"


def page_of(title: str, body: str) -> bytes:
    """A page with what stands around the text on real ones."""
    links = "".join(f'<li class="item"><a href="/{part.lower()}.html" title="{part}">{part}</a></li>' for part in PARTS)
    return (
        f'<!DOCTYPE html><html lang="en"><head><meta charset="utf-8"><title>{html.escape(title)}</title>'
        f'<link rel="stylesheet" href="/style.css"><script>var page = "{html.escape(title)}";</script></head><body>'
        f'<header><nav role="navigation"><ul>{links}</ul></nav></header><main><article><h1>{html.escape(title)}</h1>\n'
        f"{body}</article></main><aside><ul>{links}</ul></aside><footer>Copyright of the authors</footer></body></html>"
    ).encode()


def edited(page: bytes, chance: random.Random) -> bytes:
    """The page with every two hundredth word, about, written differently."""
    words = page.split(b" ")
    for place in chance.sample(range(len(words)), len(words) // 200):
        if words[place].isalpha():
            words[place] = words[place][::-1]
    return b" ".join(words)


def write_warc(path: Path, found: list[tuple[str, bytes]]) -> None:
    """Pages as a crawler keeps them: WARC 1.0, each record packed by itself."""
    with path.open("wb") as file:
        for number, (address, page) in enumerate(found):
            answer = b"HTTP/1.1 200 OK\r\nContent-Type: text/html; charset=utf-8\r\nContent-Length: %d\r\n\r\n" % len(
                page
            )
            header = (
                f"WARC/1.0\r\nWARC-Type: response\r\nWARC-Target-URI: {address}\r\nWARC-Date: 2024-01-01T00:00:00Z\r\n"
                f"WARC-Record-ID: <urn:uuid:00000000-0000-0000-0000-{number:012}>\r\n"
                "WARC-Identified-Payload-Type: text/html\r\nContent-Type: application/http; msgtype=response\r\n"
                f"Content-Length: {len(answer) + len(page)}\r\n\r\n"
            )
            file.write(gzip.compress(header.encode() + answer + page + b"\r\n\r\n", 6, mtime=0))


def texts(found: list[tuple[str, bytes]]) -> Iterator[str]:
    """The text of each page that has some."""
    from resiliparse.extract.html2text import extract_plain_text

    for _, page in found:
        text = extract_plain_text(page.decode("utf-8", errors="replace"), main_content=True).strip()
        if text:
            yield text


def write_documents(path: Path, documents: Iterator[str] | list[str]) -> int:
    """Texts as JSON lines; how many."""
    count = 0
    with path.open("w", encoding="utf-8") as file:
        for count, text in enumerate(documents, 1):
            file.write(json.dumps({"id": str(count - 1), "text": text}) + "\n")
    return count


def sentences(documents: list[str], most: int) -> list[str]:
    """Sentences of usual length."""
    found = (" ".join(s.split()) for text in documents for s in SENTENCE.split(text))
    return list(itertools.islice((s for s in found if 40 <= len(s) < 300 and s[0].isupper()), most))


def near_duplicates(documents: list[str], most: int) -> list[str]:
    """Passages of 200 words, no two of which begin alike, and among them edited copies of some: `PLANTED` of each
    number of words in `EDITS` that were replaced."""
    chance, seen, passages = random.Random(0), set[str](), list[list[str]]()
    for text in documents:
        words = text.split()
        for start in range(0, len(words) - WORDS, WORDS):
            beginning = " ".join(words[start : start + 40])
            if beginning not in seen:
                seen.add(beginning)
                passages.append(words[start : start + WORDS])
    chance.shuffle(passages)
    passages = passages[:most]
    vocabulary = [word for passage in passages[:500] for word in passage]
    copies = []
    for edits in EDITS:
        for passage in chance.sample(passages, min(PLANTED, len(passages))):
            changed = list(passage)
            for place in chance.sample(range(WORDS), edits):
                changed[place] = chance.choice(vocabulary)
            copies.append(changed)
    whole = passages + copies
    chance.shuffle(whole)
    return [" ".join(passage) for passage in whole]


def word_ngrams(text: str, n: int = 5) -> set[str]:
    """The n-grams of a text's words in lower case; a shorter text is one."""
    words = re.findall(r"\w+", text.lower())
    return {" ".join(words[i : i + n]) for i in range(max(1, len(words) - n + 1))}


def similar_pairs(documents: list[str], threshold: float) -> set[tuple[int, int]]:
    """All pairs, the earlier first, whose n-grams overlap by the threshold or more, by counting what they share."""
    sets = [word_ngrams(text) for text in documents]
    holders = defaultdict[str, list[int]](list)
    shared = defaultdict[tuple[int, int], int](int)
    for number, grams in enumerate(sets):
        for gram in grams:
            holders[gram].append(number)
    for numbers in holders.values():
        for pair in itertools.combinations(numbers, 2):
            shared[pair] += 1
    return {(a, b) for (a, b), n in shared.items() if n / (len(sets[a]) + len(sets[b]) - n) >= threshold}


def grown(documents: list[str], megabytes: float) -> Iterator[str]:
    """The documents again and again, no two of them the same, until there is so much text."""
    left = megabytes * 1e6
    for turn in itertools.count():
        for number, text in enumerate(documents):
            if left <= 0:
                return
            left -= len(text.encode())
            yield text if turn == 0 else f"Copy {turn} of text {number}.\n{text}"


def once(path: Path, make: Callable[[Path], object]) -> Path:
    """The file, made where it is not there."""
    if not path.exists():
        temporary = path.with_suffix(".tmp")
        make(temporary)
        temporary.replace(path)
    return path
