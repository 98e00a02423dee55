"""Books of Project Gutenberg."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Annotated, Any

from pydantic import BeforeValidator, Field

from pluglm import Document, Dropped, Problem, Source, Unreadable
from pluglm_sources.files.paths import Matches, matches_of, named_files, no_file, shown
from pluglm_sources.http.fetched import Fetched, FetchError
from pluglm_sources.http.recorded import Recorded
from pluglm_sources.packed.streams import whole
from pluglm_sources.packed.zip_archives import zip_members
from pluglm_sources.text.gutenberg import NotGutenberg, book, encoding_of

NAME = re.compile(r"(?:pg)?(\d{1,9})(-0|-8|)\.(?:txt(?:\.utf-?8)?(?:\.gz(?:ip)?|\.bz2|\.zst)?|zip)", re.IGNORECASE)
"""1342-0.txt, 1342-8.zip, pg1342.txt.utf8: https://www.gutenberg.org/help/file_formats.html"""

SHARD = 20
"""So many books are read by one process at a time."""


def rank(path: Path) -> tuple[int, bool, int, str]:
    """Which of several files of one book is best, least first: UTF-8, Latin-1, ASCII; of a kind a zip last."""
    match = NAME.fullmatch(path.name)
    suffix = match[2] if match else ""
    utf8 = suffix == "-0" or path.name.startswith("pg") or ".utf" in path.name
    return (0 if utf8 else 1 if suffix == "-8" else 2, path.suffix == ".zip", len(path.parts), str(path))


def best_files(found: Iterable[Path]) -> list[Path]:
    """One file of each book, sorted by path; files whose name is no catalogue number stay as they are."""
    chosen: dict[str, Path] = {}
    for path in sorted(found):
        match = NAME.fullmatch(path.name)
        key = match[1].lstrip("0") if match else str(path)
        if key not in chosen or rank(path) < rank(chosen[key]):
            chosen[key] = path
    return sorted(chosen.values(), key=str)


def addresses(mirror: str, number: int) -> list[str]:
    """Where a mirror may have a book, the best text first."""
    digits = "/".join(str(number)[:-1]) or "0"
    files = [f"{folder}/{number}" for folder in ("files", digits)]
    texts = [f"{folder}/{number}{suffix}.txt" for suffix in ("-0", "-8", "") for folder in files]
    return [f"{mirror.rstrip('/')}/{path}" for path in (f"cache/epub/{number}/pg{number}.txt", *texts)]


class Gutenberg(Recorded):
    """Books of Project Gutenberg: a local mirror, single files, or catalogue numbers that are fetched.

    A folder is searched for the layout of the mirrors (1/3/4/1342/1342-0.txt, cache/epub/1342/pg1342.txt), and of each
    book its best text is taken. The project's header and licence are cut off; title, author, language and release go
    into the metadata. A file that has a beginning and no end is quarantined as truncated.

    Source: https://www.gutenberg.org/help/mirroring.html
    """

    requires = {"urllib3": "pluglm[data]"}

    paths: Annotated[
        tuple[str, ...],
        BeforeValidator(lambda value: (value,) if isinstance(value, str) else value),
        Field(description="Folders of a mirror, or files, as globs; .zip, .gz, .bz2 and .zst are unpacked"),
    ] = ()
    languages: Annotated[tuple[str, ...], Field(description="Only books in these (en, fr ...); empty for all")] = ()
    copyrighted: Annotated[
        bool, Field(description="Also take books that are under copyright, whose own terms you must then keep")
    ] = False
    books: Annotated[tuple[int, ...], Field(description="Catalogue numbers to fetch")] = ()
    mirror: Annotated[str, Field(pattern="^https?://", description="Where books are fetched from")] = (
        "https://www.gutenberg.org"
    )
    # What the project asks robots for: https://www.gutenberg.org/policy/robot_access.html
    delay: Annotated[float, Field(ge=0, description="Seconds between two requests to one host, at least")] = 2.0
    max_bytes: Annotated[int, Field(ge=1, description="Larger books are quarantined, unpacked ones too")] = 64_000_000

    @classmethod
    def example(cls, folder: Path) -> dict[str, Any]:
        """A mirror of one book."""
        path = folder / "1" / "0" / "10" / "10-0.txt"
        path.parent.mkdir(parents=True)
        path.write_text(
            "The Project Gutenberg eBook of A Book, by A Writer\n\nTitle: A Book\n\nLanguage: English\n\n"
            "*** START OF THE PROJECT GUTENBERG EBOOK A BOOK ***\n\nOnce upon a time.\n\n"
            "*** END OF THE PROJECT GUTENBERG EBOOK A BOOK ***\n\nLicence\n",
            encoding="utf-8",
        )
        return {"paths": [str(folder)]}

    def inputs(self) -> Iterable[Path]:
        """The best local file of each book, and what was fetched."""
        return [*self._files(), *super().inputs()]

    def _found(self) -> Matches:
        matched = matches_of(self.paths, wanted_folder=lambda folder: True)
        names = [*matched.links, *matched.others]
        names += [name for first, further in matched.files.items() for name in (first, *further)]
        for folder in map(Path, matched.wanted):
            inside = (file for file in folder.rglob("*") if NAME.fullmatch(file.name))
            # What has been replaced lies in old/.
            names += [str(file) for file in inside if "old" not in file.relative_to(folder).parts[:-1]]
        return named_files(names)

    def _files(self) -> list[Path]:
        return best_files(self._found().paths())

    def problems(self, run: Any) -> Iterator[Problem]:
        """Nothing to read, or a glob or a record that matches no file."""
        yield from super().problems(run)
        for label, source in run.source.items():
            if source is self:
                if not (self.paths or self.books or self.record):
                    yield Problem(f"source.{label}.paths", "paths or books must be given", list(self.paths))
                for number in self.books:
                    if number < 1:
                        yield Problem(f"source.{label}.books", "is no catalogue number", number)
                for pattern in self.paths:
                    wrong = no_file(pattern)
                    # A folder is a mirror, in which books are looked for.
                    if wrong and not wrong[1].startswith("did you mean"):
                        yield Problem(f"source.{label}.paths", wrong[0], pattern, wrong[1])

    def fetch(self, store: Path, say: Callable[[str], None]) -> Source:
        """The source with the books asked for by number."""
        return super().fetch(store, say) if self.books else self

    def gather(self, store: Path, say: Callable[[str], None]) -> Iterator[Fetched | Unreadable]:
        """The books asked for by number, each from the first place where the mirror has it."""
        client = self.client(store)
        for number in dict.fromkeys(self.books):
            found: Fetched | Unreadable = Unreadable(
                f"{self.mirror.rstrip('/')}/ebooks/{number}", "http_404", "it has no plain text"
            )
            for url in addresses(self.mirror, number):
                try:
                    found = replace(client.get(url), extra={"number": number})
                except FetchError as error:
                    if error.reason in ("http_404", "http_410"):
                        continue
                    found = error.unreadable(url)
                break
            if isinstance(found, Unreadable):
                say(f"{found.locator}: {found.reason}")
            yield found

    def shards(self) -> Sequence[Source]:
        """Some local books each, and then what was fetched."""
        found = self._found()
        unread = {Path(name) for name in found.files} - set(best_files(found.paths()))
        files = sorted((item for item in found.globs() if item[0] not in unread), key=lambda item: str(item[0]))
        alone: dict[str, object] = {"books": (), "record": None}
        local = [
            self.model_copy(
                update={"paths": tuple(name for _, globs in files[start : start + SHARD] for name in globs)} | alone
            )
            for start in range(0, len(files), SHARD)
        ]
        fetched = super().shards() if self.record or self.books else ()
        return [*local, *(shard.model_copy(update={"paths": ()}) for shard in fetched)] or (self,)

    def read(self) -> Iterator[Document | Unreadable | Dropped]:
        """The local books in the order of their paths, and those that were fetched in the order they were asked for."""
        yield from self._found().left_out()
        yield from self._local(self._files())
        if self.record or self.books:
            yield from super().read()

    def document(self, fetched: Fetched) -> Document | Unreadable | Dropped:
        """The book in a file that was fetched."""
        content = whole(fetched.path, self.max_bytes)
        if isinstance(content, Unreadable):
            return replace(content, locator=fetched.url)
        return self._book(content, fetched.url, fetched.url.rpartition("/")[2], {"retrieved": fetched.retrieved})

    def _local(self, paths: Iterable[Path]) -> Iterator[Document | Unreadable | Dropped]:
        for path in paths:
            if path.suffix.lower() == ".zip":
                texts = 0
                for member in zip_members(
                    path, shown(path), self.max_bytes, lambda name: name.lower().endswith(".txt")
                ):
                    texts += 1
                    if isinstance(member, Unreadable):
                        yield member
                    else:
                        yield self._book(member.content, member.locator, path.name, {})
                if texts == 0:
                    yield Unreadable(shown(path), "no_text_in_archive")
                continue
            content = whole(path, self.max_bytes)
            yield content if isinstance(content, Unreadable) else self._book(content, shown(path), path.name, {})

    def _book(self, content: bytes, locator: str, name: str, more: Any) -> Document | Unreadable | Dropped:
        if b"\0" in content and not content.startswith((b"\xff\xfe", b"\xfe\xff")):
            return Unreadable(locator, "nul_bytes", f"at byte {content.index(0)}")
        encoding = encoding_of(content, name)
        try:
            found = book(content.decode(encoding))
        except UnicodeDecodeError as error:
            return Unreadable(locator, "undecodable", f"at byte {error.start}, as {encoding}: {error.reason}")
        except NotGutenberg as error:
            return Unreadable(locator, error.reason, str(error))
        if not found.text.strip():
            return Unreadable(locator, "empty_book")
        if found.copyrighted and not self.copyrighted:
            return Dropped("copyrighted")
        if self.languages and found.metadata.get("language") not in self.languages:
            # Those of the nineties do not say it.
            return Dropped("other_language" if "language" in found.metadata else "unknown_language")
        named = NAME.fullmatch(name)
        number = int(named[1]) if named else found.number
        metadata: dict[str, Any] = {
            # SPDX has no name for what is free in one country by age.
            "licence": "LicenseRef-gutenberg-copyrighted" if found.copyrighted else "LicenseRef-public-domain-US",
            "locator": locator,
            **({"number": number} if number is not None else {}),
            **found.metadata,
            **more,
        }
        # A zip may have a book in several texts.
        record = "" if number is None else f"{number}{locator.partition('.zip:')[2]}"
        return Document(found.text, id=locator, metadata=metadata, record=record)
