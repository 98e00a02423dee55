"""Papers of arXiv and PubMed Central."""

from __future__ import annotations

import gzip
import json
import re
from collections.abc import Iterator, Mapping
from functools import lru_cache
from pathlib import Path
from typing import Annotated, Any, Literal

from pydantic import Field

from pluglm import Document, Dropped, Unreadable
from pluglm_sources import jats, latex_text
from pluglm_sources.archives import RECORD, Member, Pieces, gunzipped, is_tar, open_packed, tar_members
from pluglm_sources.licences import spdx
from pluglm_sources.local_files import FileSource, damage_errors, reason_of, text_lines_of
from pluglm_sources.pdf_text import NotPdf, pdf_text

TEX, XML = (".tex", ".ltx", ".latex"), (".xml", ".nxml")
ARXIV_ID = re.compile(r"(?:^|/)(\d{4}\.\d{4,5}|[a-z-]+(?:\.[A-Z]{2})?)(?:_?(\d{7}))?(v\d+)?(?=\.|$)")
SNAPSHOT = {"doi": "doi", "journal-ref": "journal", "update_date": "updated", "report-no": "report"}
TEX_SIGN = re.compile(r"[\\$~]|--|``")


def arxiv_id(name: str) -> str | None:
    """The arXiv id in the name of a file: `0704.0001v2.gz`, `astro-ph0001001.tar.gz`."""
    match = ARXIV_ID.search(re.sub(r"([a-z])(\d{7})", r"\1_\2", name))
    if match is None or not (match[2] or match[1][0].isdigit()):
        return None
    return f"{match[1]}/{match[2]}{match[3] or ''}" if match[2] else f"{match[1]}{match[3] or ''}"


@lru_cache(maxsize=20_000)
def formula_text(formula: str) -> str:
    """A formula as Unicode text, through pylatexenc; as it is where that cannot read it."""
    from pylatexenc.latex2text import LatexNodes2Text

    try:
        return str(LatexNodes2Text(math_mode="text").latex_to_text(formula)).strip()
    except (Exception, RecursionError):
        return formula


class Scientific(FileSource):
    """Papers: arXiv's metadata snapshot, its LaTeX sources and PDFs, and JATS articles of PubMed Central.

    What a file is shows in its content: JSON lines (the snapshot of Kaggle), a .tar or .tar.gz (of one e-print, of many, or a
    package or bulk file of PubMed Central), one gzipped .tex, XML, or PDF. In an archive, PDFs are papers only where there is
    no source beside them. Nothing of an archive is written to disk.

    Source: https://info.arxiv.org/help/bulk_data.html, https://pmc.ncbi.nlm.nih.gov/tools/ftp/
    """

    requires = {"lxml": "pluglm[data]", "pypdf": "pluglm[data]", "pylatexenc": "pluglm[data]"}

    part: Annotated[
        Literal["full", "abstract"],
        Field(description="The whole text, where there is one, or title and abstract alone"),
    ] = "full"
    math: Annotated[
        latex_text.Maths, Field(description="Formulas of LaTeX: as they are, as Unicode text (slow), or left out")
    ] = "latex"
    categories: Annotated[
        tuple[str, ...], Field(description="Of the snapshot, only these (cs.CL) or archives (cs); empty for all")
    ] = ()
    licences: Annotated[
        tuple[str, ...], Field(description="Only papers under these (CC-BY-4.0, CC0-1.0 ...); empty for all")
    ] = ()
    max_bytes: Annotated[int, Field(ge=1, description="Larger papers are quarantined; unpacked, with all inputs")] = (
        64_000_000
    )

    @classmethod
    def example(cls, folder: Path) -> dict[str, Any]:
        """A snapshot of one paper, and a source."""
        row = {"id": "0704.0001", "title": "A title", "abstract": "  An abstract with $x$.\n", "categories": "hep-ph"}
        (folder / "snapshot.json").write_text(json.dumps(row) + "\n", encoding="utf-8")
        source = "\\documentclass{article}\n\\begin{document}\nA \\emph{paper}.\n\\end{document}\n"
        (folder / "0704.0002.gz").write_bytes(gzip.compress(source.encode(), mtime=0))
        return {"paths": [str(folder / "*")]}

    def read(self) -> Iterator[Document | Unreadable | Dropped]:
        """The papers, in the order of the sorted paths."""
        for path in self.inputs():
            try:
                file = open_packed(path)
            except damage_errors() as error:
                yield Unreadable(str(path), reason_of(error), str(error))
                continue
            with file:
                yield from self._file(Pieces(file), path)

    def _file(self, pieces: Pieces, path: Path) -> Iterator[Document | Unreadable | Dropped]:
        start, place = pieces.peek(RECORD), str(path)
        if not start:
            why = "empty_file" if pieces.error is None else reason_of(pieces.error)
            yield Unreadable(place, why, str(pieces.error or ""))
        elif is_tar(start) or path.name.endswith((".tar", ".tar.gz", ".tgz")):
            yield from self._archive(pieces, place, path)
        elif start.startswith(b"%PDF-"):
            yield from self._pdf(path, place)
        elif start.removeprefix(b"\xef\xbb\xbf").lstrip().startswith(b"<"):
            yield from self._articles(pieces, place)
        elif start.removeprefix(b"\xef\xbb\xbf").lstrip().startswith((b"{", b"[")) or ".json" in path.name:
            for locator, line in text_lines_of(path, self.max_bytes):
                yield line if isinstance(line, Unreadable) else self._row(line, locator)
        else:
            content = pieces.take(self.max_bytes + 1)
            if len(content) > self.max_bytes:
                yield Unreadable(place, "file_too_large", f"more than {self.max_bytes} bytes")
            elif pieces.error is not None:
                detail = f"at byte {len(content)} unpacked: {pieces.error}"
                yield Unreadable(place, reason_of(pieces.error), detail)
            else:
                yield self._source({"main.tex": content}, place, path.name)

    def _archive(self, pieces: Pieces, place: str, path: Path | None) -> Iterator[Document | Unreadable | Dropped]:
        sources: dict[str, bytes] = {}
        left, others, pdfs, size = self.max_bytes, False, False, 0

        def wanted(name: str) -> bool:
            nonlocal pdfs
            pdfs = pdfs or name.lower().endswith(".pdf")
            return name.lower().endswith((*TEX, *XML, ".gz", ".bbl")) or "." not in name.rpartition("/")[2]

        for member in tar_members(pieces, place, self.max_bytes, wanted):
            if isinstance(member, Unreadable):
                yield member
            elif member.name.lower().endswith(XML):
                others = True
                yield from self._articles(Pieces.of(member.content), member.locator)
            elif member.name.endswith(".gz") and path is not None:
                others = True
                yield from self._packed_paper(member)
            elif member.name.lower().endswith(TEX) or b"\\begin{document}" in member.content:
                size += len(member.content)
                if size <= left:
                    sources[member.name] = member.content
        if size > left:
            yield Unreadable(place, "file_too_large", f"sources of {size} bytes, more than {left}")
        elif sources and not others:
            yield self._source(sources, place, path.name if path else place.rpartition(":")[2])
        elif pdfs and path is not None and not (others and any("nxml" in name for name in sources)):
            yield from self._pdfs(path, others)
        elif not others and not pdfs:
            yield Unreadable(place, "no_paper_in_archive")

    def _pdfs(self, path: Path, others: bool) -> Iterator[Document | Unreadable | Dropped]:
        # Only now is it known that they are papers, not figures of one.
        with open_packed(path) as file:
            for member in tar_members(Pieces(file), str(path), self.max_bytes, lambda n: n.lower().endswith(".pdf")):
                # What is wrong with the archive has been told.
                if isinstance(member, Member):
                    yield from self._pdf(member.content, member.locator)

    def _packed_paper(self, member: Member) -> Iterator[Document | Unreadable | Dropped]:
        content = gunzipped(member.content, self.max_bytes, member.locator)
        if isinstance(content, Unreadable):
            yield content
        elif is_tar(content):
            yield from self._archive(Pieces.of(content), member.locator, None)
        else:
            yield self._source({"main.tex": content}, member.locator, member.name)

    def _articles(self, pieces: Pieces, place: str) -> Iterator[Document | Unreadable | Dropped]:
        from lxml import etree

        for found in jats.articles_in(pieces, place, self.max_bytes):
            if isinstance(found, Unreadable):
                yield found
                continue
            locator, content, encoding = found
            try:
                article = jats.article(content, encoding)
            except (etree.LxmlError, LookupError, ValueError) as error:
                yield Unreadable(locator, "invalid_xml", str(error))
                continue
            parts = [article.title, article.abstract, *([article.body] if self.part == "full" else [])]
            fields = {"title": article.title, "abstract": article.abstract}
            yield self._paper(parts, locator, fields, article.metadata)

    def _row(self, line: str, locator: str) -> Document | Unreadable | Dropped:
        try:
            row = json.loads(line)
        except (ValueError, RecursionError) as error:
            return Unreadable(locator, "invalid_json", str(error))
        if not isinstance(row, dict):
            return Unreadable(locator, "not_an_object", f"a {type(row).__name__}")
        title, abstract, number = row.get("title"), row.get("abstract"), row.get("id")
        if not (isinstance(title, str) and isinstance(abstract, str) and isinstance(number, str)):
            return Unreadable(locator, "not_a_paper", "no id, title or abstract that is text")
        categories = str(row.get("categories") or "").split()
        if self.categories and not any(
            name in self.categories or name.partition(".")[0] in self.categories for name in categories
        ):
            return Dropped("other_category")
        metadata: dict[str, Any] = {"arxiv_id": number, **({"categories": categories} if categories else {})}
        metadata |= {name: row[key] for key, name in SNAPSHOT.items() if isinstance(row.get(key), str)}
        authors = row.get("authors_parsed")
        if isinstance(authors, list) and all(isinstance(name, list) and len(name) > 1 for name in authors):
            metadata["authors"] = [
                " ".join(str(part) for part in (name[1], name[0], *name[2:3]) if part) for name in authors
            ]
        if isinstance(row.get("license"), str):
            metadata["licence"] = spdx(row["license"]) or row["license"]
        title, abstract = (self._readable(text) for text in (title, abstract))
        return self._paper([title, abstract], locator, {"title": title, "abstract": abstract}, metadata)

    def _source(self, files: Mapping[str, bytes], locator: str, name: str) -> Document | Unreadable | Dropped:
        # What is not UTF-8 of arXiv's sources is Latin-1, TeX's older habit.
        texts = {}
        for path, content in files.items():
            if b"\0" in content:
                return Unreadable(locator, "nul_bytes", f"{path} at byte {content.index(0)}")
            try:
                texts[path] = content.decode("utf-8-sig")
            except UnicodeDecodeError:
                texts[path] = content.decode("latin-1")
        if not any("\\" in text for text in texts.values()):
            return Unreadable(locator, "unknown_format", "neither XML, JSON, PDF, tar nor TeX")
        try:
            found = latex_text.paper(texts, self.max_bytes, self._formula)
        except ValueError as error:
            return Unreadable(locator, "file_too_large", str(error))
        if found is None:
            return Unreadable(locator, "no_paper_in_archive")
        number = arxiv_id(name)
        metadata = {"arxiv_id": number} if number else {}
        return self._paper([found[1]], locator, {"title": found[0]}, metadata)

    def _pdf(self, content: bytes | Path, locator: str) -> Iterator[Document | Unreadable | Dropped]:
        try:
            if isinstance(content, Path):
                with content.open("rb") as file:
                    text, said, wrong = pdf_text(file, self.max_bytes)
            else:
                text, said, wrong = pdf_text(content, self.max_bytes)
        except NotPdf as error:
            yield Unreadable(locator, error.reason, str(error))
            return
        for page, detail in wrong.items():
            yield Unreadable(f"{locator}#page={page}", "damaged_page", detail)
        if text:
            number = arxiv_id(locator)
            metadata = {
                **({"arxiv_id": number} if number else {}),
                **({"authors": [said["authors"]]} if "authors" in said else {}),
            }
            yield self._paper([text], locator, {"title": said.get("title", "")}, metadata)

    def _formula(self, formula: str) -> str:
        if self.math == "latex":
            return formula
        return formula_text(formula) if self.math == "text" else ""

    def _readable(self, text: str) -> str:
        # Line ends in the snapshot are those of a form; an indented line begins a paragraph.
        joined = "\n\n".join(" ".join(part.split()) for part in re.split(r"\n(?=  )", text.strip()))
        return latex_text.plain(joined, self._formula) if TEX_SIGN.search(joined) else joined

    def _paper(
        self, parts: list[str], locator: str, fields: Mapping[str, str], metadata: Mapping[str, Any]
    ) -> Document | Unreadable | Dropped:
        text = "\n\n".join(filter(None, parts))
        if not text.strip():
            return Unreadable(locator, "no_text")
        if self.licences and metadata.get("licence") not in self.licences:
            return Dropped("other_licence")
        kept = {name: value for name, value in fields.items() if value}
        return Document(text, id=locator, fields=kept, metadata={**metadata, "locator": locator})
