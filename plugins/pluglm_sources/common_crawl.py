"""Crawled web pages from WARC and WET files, Common Crawl's and anybody's."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Sequence
from pathlib import Path
from typing import Annotated, Any, ClassVar, Literal

from pydantic import Field

from pluglm import Document, Dropped, Problem, Source, Unreadable
from pluglm_sources.files.local import FileSource, Paths
from pluglm_sources.files.parts import Part, grouped, parts_of
from pluglm_sources.files.paths import Matches, matches_of, shown
from pluglm_sources.files.reading import decoded
from pluglm_sources.http.fetched import Fetched, is_settled, read_record
from pluglm_sources.http.remote import Remote
from pluglm_sources.packed.opening import reason_of
from pluglm_sources.packed.warc_frames import Frame, frames
from pluglm_sources.packed.warc_records import (
    PayloadError,
    about,
    check_record,
    mime_type_of,
    names_licence,
    payload_of,
    record_of,
    status_of,
)
from pluglm_sources.text.html import Extractor, UnclosedTags, decode_html, html_page, html_text


class CommonCrawl(FileSource, Remote):
    """Web pages from WARC files, or their texts from WET files, as Common Crawl gives them: .gz, .zst or plain.

    Entries of `paths` that begin with http:// or https:// are downloaded. Records are matched by type, status and MIME
    type, HTML becomes text. A record that is cut short or damaged is quarantined with its byte offset, and reading goes
    on with the next good one, which neither WARC library does.

    Sources: https://iipc.github.io/warc-specifications/specifications/warc-format/warc-1.1/;
    https://commoncrawl.org/get-started
    """

    requires = {"fastwarc": "pluglm[data]", "resiliparse": "pluglm[data]", "urllib3": "pluglm[data]"}

    paths: Annotated[Paths, Field(description="Files, as globs (** goes into folders), or URLs of files")]
    types: Annotated[
        tuple[Literal["response", "resource", "conversion"], ...],
        Field(min_length=1, description="Which records: answers, files, texts (WET)"),
    ] = ("response", "resource", "conversion")
    statuses: Annotated[tuple[int, ...], Field(description="Which HTTP statuses; empty for all")] = (200,)
    mime_types: Annotated[
        tuple[str, ...], Field(min_length=1, description="Which MIME types; of them text is made")
    ] = (
        "text/html",
        "application/xhtml+xml",
        "text/plain",
    )
    extractor: Annotated[
        Extractor, Field(description="What makes text of HTML; auto: resiliparse, and trafilatura where it finds none")
    ] = "auto"
    verify_digests: Annotated[
        bool, Field(description="Compare records with the digests in their headers; shows flipped bits in plain files")
    ] = False
    max_record_bytes: Annotated[int, Field(ge=1, description="Larger records, or payloads, are quarantined unread")] = (
        16_000_000
    )
    max_bytes: Annotated[int, Field(ge=1, description="Larger downloads are quarantined")] = 1 << 32

    @classmethod
    def example(cls, folder: Path) -> dict[str, Any]:
        """A file of one page."""
        page = b"<html><body><p>A page of the web, saved by a crawler a while ago.</p></body></html>"
        answer = b"HTTP/1.1 200 OK\r\nContent-Type: text/html\r\n\r\n" + page
        header = b"WARC/1.0\r\nWARC-Type: response\r\nWARC-Target-URI: https://example.org/\r\n"
        header += (
            b"WARC-Date: 2024-01-01T00:00:00Z\r\nWARC-Record-ID: <urn:uuid:00000000-0000-0000-0000-000000000001>\r\n"
        )
        header += b"Content-Type: application/http; msgtype=response\r\nContent-Length: %d\r\n\r\n" % len(answer)
        (folder / "page.warc").write_bytes(header + answer + b"\r\n\r\n")
        return {"paths": [str(folder / "page.warc")]}

    def problems(self, run: Any) -> Iterator[Problem]:
        """A glob that matches no file."""
        return (problem for problem in super().problems(run) if not is_url(str(problem.value)))

    def fetch(self, store: Path, say: Callable[[str], None]) -> Source:
        """Download what is given by URL. What cannot be had is told when the source is read."""
        urls = list(dict.fromkeys(path for path in self.paths if is_url(path)))
        if not urls:
            return self
        record = self.record_path(store)
        if self.refresh or not is_settled(record):
            self.fetch_all(urls, store, say, record)
        parts, lost = self.parts(), list(self._files().left_out())
        for item in read_record(record):
            if isinstance(item, Fetched):
                parts += parts_of(item.path, item.url)
            elif isinstance(item, Unreadable):
                lost.append(item)
        return self._of(parts, lost)

    def parts(self) -> list[Part]:
        """What is read, in its order."""
        return [part for path in self._files().paths() for part in parts_of(path, shown(path))]

    def inputs(self) -> Iterable[Path]:
        """The files that the globs match, sorted."""
        return self._files().paths()

    def _files(self) -> Matches:
        return matches_of(path for path in self.paths if not is_url(path))

    def shards(self) -> Sequence[Source]:
        """Parts of large files, and small files together."""
        shards = [self._of(group) for group in grouped(self.parts())] or [self._of([])]
        return [self._of(shards[0].files, self.left_out()), *shards[1:]]

    def _of(self, parts: Iterable[Part], lost: Iterable[Unreadable | Dropped] = ()) -> CrawlParts:
        same = {name: getattr(self, name) for name in CommonCrawl.model_fields}
        unread = tuple(
            (item.locator if isinstance(item, Unreadable) else "", item.reason, item.detail) for item in lost
        )
        return CrawlParts(**same, files=tuple(parts), unfetched=unread)

    def left_out(self) -> Iterable[Unreadable | Dropped]:
        """What could not be fetched, and what is matched and not read."""
        unfetched = [Unreadable(path, "not_fetched") for path in self.paths if is_url(path)]
        return [*unfetched, *self._files().left_out()]

    def read(self) -> Iterator[Document | Unreadable | Dropped]:
        """The documents in the order of the files."""
        yield from self.left_out()
        for part in self.parts():
            yield from self._read(part)

    def read_file(self, path: Path) -> Iterator[Document | Unreadable | Dropped]:
        """The documents of one file."""
        for part in parts_of(path, shown(path)):
            yield from self._read(part)

    def _read(self, part: Part) -> Iterator[Document | Unreadable | Dropped]:
        try:
            for item in frames(Path(part.path), self.max_record_bytes, part.start, part.end):
                locator = f"{part.called}@{item.offset}" + (f"+{item.inside}" if item.inside else "")
                if isinstance(item, Frame):
                    yield self._document(item, locator)
                else:
                    yield Unreadable(locator, item.reason, f"{item.detail}; {item.size} bytes")
            if part.end == 0:
                yield Unreadable(part.called, "empty_file")
        except OSError as error:
            yield Unreadable(part.called, reason_of(error), str(error))

    def _document(self, frame: Frame, locator: str) -> Document | Unreadable | Dropped:
        try:
            return self._of_record(frame.content, locator, frame.doubt)
        except (PayloadError, UnclosedTags) as error:
            return Unreadable(locator, error.reason, str(error))

    def _of_record(self, content: bytes, locator: str, doubt: str) -> Document | Unreadable | Dropped:
        record, block = record_of(content)
        kind = str(record.record_type)
        if kind not in self.types:
            return Dropped("other_type")
        payload = payload_of(record, self.max_record_bytes)
        # Of a member whose checksum is wrong, what a digest of its own confirms is believed.
        if (self.verify_digests or doubt) and not check_record(record, block, payload) and doubt:
            return Unreadable(locator, "damaged_member", doubt)
        status, mime_type = status_of(record), mime_type_of(record)
        if status is not None and self.statuses and status not in self.statuses:
            return Dropped("other_status")
        if mime_type not in self.mime_types:
            return Dropped("other_mime_type")
        text: str | Unreadable
        if kind == "conversion":
            text = decoded(payload, locator)
        elif "html" in mime_type:
            text = html_text(payload, record.http_charset, self.extractor)
        else:
            text = decode_html(payload, record.http_charset)
        if isinstance(text, Unreadable):
            return text
        if not (text := text.strip()):
            return Dropped("no_text")
        metadata: dict[str, Any] = {"locator": locator, "status": status, "content_type": mime_type, **about(record)}
        # Few pages name a licence, and to look for it takes as long as the text.
        if names_licence(payload):
            metadata["licence"] = html_page(payload, None, None).licence
        return Document(text, id=locator, metadata={key: value for key, value in metadata.items() if value})


class CrawlParts(CommonCrawl):
    """Parts of files as a source: what `fetch` and `shards` of `common_crawl` return."""

    name: ClassVar[str] = "common_crawl"

    files: Annotated[tuple[Part, ...], Field(description="What is read")]
    unfetched: Annotated[
        tuple[tuple[str, str, str], ...],
        Field(description="What is not read, and why; without a place, what is dropped"),
    ] = ()

    def inputs(self) -> Iterable[Path]:
        """The files that the parts are of, each once."""
        return [Path(path) for path in dict.fromkeys(part.path for part in self.files)]

    def parts(self) -> list[Part]:
        """The parts."""
        return list(self.files)

    def left_out(self) -> Iterable[Unreadable | Dropped]:
        """What is not read."""
        return [Unreadable(*item) if item[0] else Dropped(*item[1:]) for item in self.unfetched]


def is_url(path: str) -> bool:
    """Whether it is a URL and no file."""
    return path.startswith(("http://", "https://"))
