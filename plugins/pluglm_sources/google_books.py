"""Google Books: volumes of its API, and its n-grams."""

from __future__ import annotations

import json
import math
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Annotated, Any, Literal

from pydantic import BeforeValidator, Field

from pluglm import Document, Dropped, Problem, Source, Unreadable
from pluglm_sources.files.json_text import parsed
from pluglm_sources.files.local import path_problems
from pluglm_sources.files.paths import matches_of, shown
from pluglm_sources.files.reading import decoded, read_whole, text_lines_of
from pluglm_sources.files.values import named
from pluglm_sources.http.fetched import Fetched
from pluglm_sources.http.recorded import Recorded
from pluglm_sources.packed.opening import BLOCK, beginning_of
from pluglm_sources.services.google_api import Request, answers
from pluglm_sources.services.google_ngrams import FIRST, NAME, is_tagged, ngram
from pluglm_sources.services.google_volumes import metadata_of, salvaged, text_of_volume, volumes_of
from pluglm_sources.text.epub import epub_text

LONGEST_ANSWER = 16_000_000


class GoogleBooks(Recorded):
    """Google Books: volumes from saved answers of its API or from the API, and the n-grams of version 3.

    A volume's text is its title and description; where it is in the public domain and may be read wholly,
    `full_text=true` fetches its EPUB for the text. A document of the n-grams is one n-gram, with its count within the
    years as metadata and, if wanted, as its weight; those with parts of speech in them are left out. Files are told
    apart by their content. A key for the API is taken from GOOGLE_BOOKS_API_KEY; few requests need none.

    Source: https://developers.google.com/books/docs/v1/using,
    https://storage.googleapis.com/books/ngrams/books/datasetsv3.html
    """

    requires = {"lxml": "pluglm[data]", "urllib3": "pluglm[data]"}

    paths: Annotated[
        tuple[str, ...],
        BeforeValidator(lambda value: (value,) if isinstance(value, str) else value),
        Field(description="Saved answers of the API (.json, .jsonl) and n-gram files, as globs"),
    ] = ()
    query: Annotated[str, Field(description="What the API is asked for: subject:poetry, inauthor:austen ...")] = ""
    volumes: Annotated[tuple[str, ...], Field(description="Ids of volumes that the API is asked for")] = ()
    max_volumes: Annotated[int, Field(ge=1, description="Volumes of the query at most")] = 200
    languages: Annotated[tuple[str, ...], Field(description="Only volumes in these (en, fr ...); empty for all")] = ()
    full_text: Annotated[
        bool, Field(description="Fetch the EPUB of volumes in the public domain that may be read wholly")
    ] = False
    first_year: Annotated[int, Field(ge=0, le=9999, description="N-grams are counted from this year on")] = 1500
    last_year: Annotated[int, Field(ge=0, le=9999, description="N-grams are counted to this year")] = 2019
    min_count: Annotated[int, Field(ge=1, description="Rarer n-grams are left out")] = 40
    weighting: Annotated[
        Literal["none", "log", "linear"],
        Field(description="Weight of an n-gram: 1; 1 + log2 of its count over min_count; or that ratio itself"),
    ] = "none"
    api: Annotated[str, Field(pattern="^https?://", description="Where the API is")] = (
        "https://www.googleapis.com/books/v1"
    )
    max_bytes: Annotated[int, Field(ge=1, description="Larger answers, books and lines are quarantined")] = 64_000_000

    @classmethod
    def example(cls, folder: Path) -> dict[str, Any]:
        """An answer with one volume, and an n-gram."""
        info = {"title": "A book", "description": "<p>About something.</p>", "language": "en"}
        volume = {"kind": "books#volume", "id": "a", "volumeInfo": info}
        answer = {"kind": "books#volumes", "totalItems": 1, "items": [volume]}
        (folder / "answer.json").write_text(json.dumps(answer), encoding="utf-8")
        (folder / "2-00000-of-00001").write_text("a book\t1999,30,2\t2000,20,1\n", encoding="utf-8")
        return {"paths": [str(folder / "*")]}

    def inputs(self) -> Iterable[Path]:
        """The local files, and what was fetched."""
        books = [Path(path) for item in self._pages() for path in item.extra.get("books", {}).values()]
        return [*self._files(), *super().inputs(), *dict.fromkeys(books)]

    def _files(self) -> list[Path]:
        return matches_of(self.paths).paths()

    def problems(self, run: Any) -> Iterator[Problem]:
        """Nothing to read, a glob or a record that matches no file, or years that end before they begin."""
        yield from super().problems(run)
        for label, source in run.source.items():
            if source is not self:
                continue
            if not (self.paths or self.query or self.volumes or self.record):
                yield Problem(f"source.{label}.paths", "paths, query or volumes must be given", list(self.paths))
            yield from path_problems(label, self.paths)
            if self.last_year < self.first_year:
                yield Problem(f"source.{label}.last_year", f"is before first_year={self.first_year}", self.last_year)

    def fetch(self, store: Path, say: Callable[[str], None]) -> Source:
        """The source with what the API answers, page by page, and books that may be had whole."""
        return super().fetch(store, say) if self.query or self.volumes else self

    def gather(self, store: Path, say: Callable[[str], None]) -> Iterator[Fetched | Unreadable]:
        """Answers of the API, and behind each the EPUBs of its volumes."""
        language = self.languages[0] if len(self.languages) == 1 else ""
        request = Request(self.api, self.volumes, self.query, self.max_volumes, language, self.full_text)
        return answers(request, self.client(store), say)

    def resolved(self, items: Iterable[Fetched | Unreadable | Dropped]) -> Iterator[Fetched | Unreadable | Dropped]:
        """Answers with the EPUBs that lie behind them as `extra["books"]`: path by id."""
        page: Fetched | None = None
        behind: list[Unreadable | Dropped] = []
        for item in items:
            if not isinstance(item, Fetched):
                behind.append(item)
            elif "volume" in item.extra and page is not None:
                books = {**page.extra.get("books", {}), item.extra["volume"]: str(item.path)}
                page = replace(page, extra={**page.extra, "books": books})
            else:
                yield from ((page, *behind) if page is not None else behind)
                page, behind = item, []
        yield from ((page, *behind) if page is not None else behind)

    def shards(self) -> Sequence[Source]:
        """A local file each, and then what was fetched."""
        alone: dict[str, object] = {"query": "", "volumes": (), "record": None}
        local = [self.model_copy(update={"paths": globs, **alone}) for _, globs in matches_of(self.paths).globs()]
        fetched = super().shards() if self.record or self.query or self.volumes else ()
        return [*local, *(shard.model_copy(update={"paths": ()}) for shard in fetched)] or (self,)

    def read(self) -> Iterator[Document | Unreadable | Dropped]:
        """The documents of the local files in the order of their paths, and of what was fetched."""
        yield from matches_of(self.paths).left_out()
        for path in self._files():
            yield from self._ngrams(path) if _has_ngrams(path) else self._file(path)
        if self.record or self.query or self.volumes:
            for item in self._items():
                yield from self._page(item) if isinstance(item, Fetched) else (item,)

    def _pages(self) -> Iterator[Fetched]:
        if self.record is not None:
            yield from (item for item in self._items() if isinstance(item, Fetched))

    def _page(self, fetched: Fetched) -> Iterator[Document | Unreadable | Dropped]:
        content = read_whole(fetched.path, self.max_bytes)
        text = content if isinstance(content, Unreadable) else decoded(content, fetched.url)
        if isinstance(text, Unreadable):
            yield replace(text, locator=fetched.url)
        else:
            books = {number: Path(path) for number, path in fetched.extra.get("books", {}).items()}
            yield from self._answer(text, fetched.url, {"retrieved": fetched.retrieved}, books)

    def document(self, fetched: Fetched) -> Document | Unreadable | Dropped:
        """The first volume of an answer; `read` gives all of them."""
        return next(self._page(fetched), Dropped("no_volume"))

    def _file(self, path: Path) -> Iterator[Document | Unreadable | Dropped]:
        if any(name in (".jsonl", ".ndjson") for name in path.suffixes):
            for locator, line in text_lines_of(path, self.max_bytes):
                if isinstance(line, Unreadable):
                    yield line
                else:
                    yield from self._answer(line, locator, {}, {})
            return
        content = read_whole(path, min(self.max_bytes, LONGEST_ANSWER))
        name = shown(path)
        text = content if isinstance(content, Unreadable) else decoded(content, name)
        if isinstance(content, bytes) and isinstance(text, Unreadable) and text.reason in ("invalid_utf8", "nul_bytes"):
            # The volumes around the bad bytes can still be read; no string of JSON has a NUL in it.
            found = list(self._salvaged(content.decode("utf-8", "surrogateescape"), name, {}, {}))
            yield from found
            if not any(isinstance(item, Unreadable) for item in found):
                yield text
        elif isinstance(text, Unreadable):
            yield text
        else:
            yield from self._answer(text, name, {}, {})

    def _answer(
        self, text: str, locator: str, extra: dict[str, Any], books: dict[str, Path]
    ) -> Iterator[Document | Unreadable | Dropped]:
        answer = parsed(text, locator)
        if isinstance(answer, Unreadable):
            yield from self._salvaged(text, locator, extra, books)
            return
        volumes = volumes_of(answer)
        if volumes is None:
            yield Unreadable(locator, "not_volumes", "neither a volume nor a list of them")
            return
        for number, volume in enumerate(volumes):
            yield self._volume(volume, f"{locator}#{number}", extra, books)

    def _salvaged(
        self, text: str, locator: str, extra: dict[str, Any], books: dict[str, Path]
    ) -> Iterator[Document | Unreadable | Dropped]:
        for offset, found in salvaged(text):
            if isinstance(found, tuple):
                yield Unreadable(f"{locator}@{offset}", *found)
            else:
                yield self._volume(found, f"{locator}@{offset}", extra, books)

    def _volume(
        self, volume: Any, locator: str, extra: dict[str, Any], books: dict[str, Path]
    ) -> Document | Unreadable | Dropped:
        try:
            title, description = text_of_volume(volume)
        except (ValueError, AttributeError) as error:
            return Unreadable(locator, "not_a_volume", str(error))
        metadata = {"title": title, **metadata_of(volume), **extra, "locator": locator}
        if self.languages and metadata.get("language") not in self.languages:
            return Dropped("other_language")
        body = description
        number = named(volume.get("id")) or ""
        if number in books:
            whole = epub_text(books[number], self.max_bytes)
            if isinstance(whole, Unreadable):
                return replace(whole, locator=locator, detail=f"its EPUB: {whole.detail}")
            body = whole
            metadata["licence"] = "LicenseRef-public-domain"
        if not body:
            return Dropped("no_description")
        fields = {"title": title, **({"description": description} if description else {})}
        return Document(f"{title}\n\n{body}", id=f"{locator}:{number}", fields=fields, metadata=metadata, record=number)

    def _ngrams(self, path: Path) -> Iterator[Document | Unreadable | Dropped]:
        for locator, line in text_lines_of(path, self.max_bytes):
            if isinstance(line, Unreadable):
                yield line
                continue
            if is_tagged(line.partition("\t")[0]):
                yield Dropped("part_of_speech")
                continue
            try:
                found = ngram(line, self.first_year, self.last_year)
            except ValueError as error:
                yield Unreadable(locator, "not_an_ngram", str(error))
                continue
            if found.matches < self.min_count:
                yield Dropped("too_rare")
            else:
                ratio = found.matches / self.min_count
                weight = {"none": 1.0, "log": 1 + math.log2(ratio), "linear": ratio}[self.weighting]
                metadata = {
                    "count": found.matches,
                    "volumes": found.volumes,
                    "first_year": found.first_year,
                    "last_year": found.last_year,
                    "licence": "CC-BY-3.0",
                    "locator": locator,
                }
                yield Document(found.words, id=locator, metadata=metadata, weight=weight)


def _has_ngrams(path: Path) -> bool:
    if NAME.search(path.name):
        return True
    try:
        return FIRST.match(beginning_of(path, BLOCK)) is not None
    except OSError:
        return False
