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
from pluglm_sources.files.json_text import parsed
from pluglm_sources.files.local import FileSource
from pluglm_sources.files.paths import shown
from pluglm_sources.files.reading import text_lines_of
from pluglm_sources.packed.compressed_text import damage_of
from pluglm_sources.packed.opening import damage_errors, kind_of, reason_of
from pluglm_sources.packed.streams import Pieces, gunzipped, open_packed
from pluglm_sources.packed.tar_archives import RECORD, is_tar, tar_members
from pluglm_sources.packed.zip_archives import Member
from pluglm_sources.services.arxiv import arxiv_id, in_categories, snapshot_row, unwrapped
from pluglm_sources.text import jats, latex, latex_source
from pluglm_sources.text.pdf import NotPdf, pdf_text

XML = (".xml", ".nxml")
TEX_SIGN = re.compile(r"[\\$~]|--|``")
MARK = b"\xef\xbb\xbf"
LONGEST_FORMULA = 2_000
Papers = Iterator[Document | Unreadable | Dropped]


@lru_cache(maxsize=20_000)
def formula_text(formula: str) -> str:
    """A formula as Unicode text, through pylatexenc; as it is where that cannot read it."""
    from pylatexenc.latex2text import LatexNodes2Text

    if len(formula) > LONGEST_FORMULA:
        return formula
    try:
        return str(LatexNodes2Text(math_mode="text").latex_to_text(formula)).strip()
    except (Exception, RecursionError):
        return formula


class Scientific(FileSource):
    """Papers: arXiv's metadata snapshot, its LaTeX sources and PDFs, and JATS articles of PubMed Central.

    What a file is shows in its content: JSON lines (the snapshot on Kaggle), a .tar or .tar.gz (one e-print, many, or a
    package or bulk file of PubMed Central), one gzipped .tex, XML, or PDF. In an archive, PDFs are papers only where
    there is no source beside them. Nothing of an archive is written to disk.

    Source: https://info.arxiv.org/help/bulk_data.html, https://pmc.ncbi.nlm.nih.gov/tools/ftp/
    """

    requires = {"lxml": "pluglm[data]", "pypdf": "pluglm[data]", "pylatexenc": "pluglm[data]"}

    part: Annotated[
        Literal["full", "abstract"], Field(description="Of JATS, the whole text, or title and abstract alone")
    ] = "full"
    math: Annotated[
        latex.Maths, Field(description="Formulas of LaTeX: as they are, as Unicode text (slow), or left out")
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
    max_line_bytes: Annotated[int, Field(ge=1, description="Longer lines of JSON are quarantined unread")] = 16_000_000

    @classmethod
    def example(cls, folder: Path) -> dict[str, Any]:
        """A snapshot of one paper, and a source."""
        row = {"id": "0704.0001", "title": "A title", "abstract": "  An abstract with $x$.\n", "categories": "hep-ph"}
        (folder / "snapshot.json").write_text(json.dumps(row) + "\n", encoding="utf-8")
        source = "\\documentclass{article}\n\\begin{document}\nA \\emph{paper}.\n\\end{document}\n"
        (folder / "0704.0002.gz").write_bytes(gzip.compress(source.encode(), mtime=0))
        return {"paths": [str(folder / "*")]}

    def read_file(self, path: Path) -> Papers:
        """The papers of one file."""
        try:
            with open_packed(path) as file:
                yield from self._file(Pieces(file), path, kind_of(path))
        except damage_errors() as error:
            yield Unreadable(shown(path), reason_of(error), str(error))

    def _file(self, pieces: Pieces, path: Path, kind: str) -> Papers:
        start, place = pieces.peek(RECORD), shown(path)
        text = start.removeprefix(MARK).lstrip()
        if not start:
            why = "empty_file" if pieces.error is None else reason_of(pieces.error)
            yield Unreadable(place, why, str(pieces.error or ""))
        elif is_tar(start) or path.name.endswith((".tar", ".tar.gz", ".tgz")):
            yield from self._archive(pieces, place, path, damage_of(path, kind))
        elif text.startswith(b"<"):
            yield from self._articles(pieces, place, damage_of(path, kind))
        elif text.startswith((b"{", b"[")) or ".json" in path.name:
            for locator, line in text_lines_of(path, self.max_line_bytes):
                yield line if isinstance(line, Unreadable) else self._row(line, locator)
        else:
            content = pieces.take(self.max_bytes + 1)
            if len(content) > self.max_bytes:
                yield Unreadable(place, "file_too_large", f"more than {self.max_bytes} bytes")
            elif pieces.error is not None:
                yield Unreadable(place, reason_of(pieces.error), f"at byte {len(content)} unpacked: {pieces.error}")
            elif content.startswith(b"%PDF-"):
                yield from self._pdf(content, place)
            else:
                yield self._source({"main.tex": content}, place, path.name)

    def _archive(self, pieces: Pieces, place: str, path: Path | None, doubt: Exception | None = None) -> Papers:
        """The papers of a tar; one within another (`path` is None) holds the sources of a single paper. `doubt`: what
        is wrong with the packed file that it is in."""
        sources: dict[str, bytes] = {}
        size = others = pdfs = articles = damage = 0

        def wanted(name: str) -> bool:
            nonlocal pdfs
            low = name.lower()
            pdfs += low.endswith(".pdf")
            packed = path is not None and low.endswith(".gz") and arxiv_id(name) is not None
            return packed or low.endswith((*latex_source.TEX, *XML)) or "." not in low.rpartition("/")[2]

        for member in tar_members(pieces, place, self.max_bytes, wanted, doubt):
            if isinstance(member, Unreadable):
                yield member
                others += 1
                damage += member.reason not in ("unsafe_path", "not_a_regular_file", "file_too_large")
            elif member.name.lower().endswith(XML):
                articles += 1
                yield from self._articles(Pieces.of(member.content), member.locator)
            elif member.name.lower().endswith(".gz"):
                others += 1
                yield from self._packed(member)
            elif member.name.lower().endswith(latex_source.TEX) or b"\\begin{document}" in member.content:
                size += len(member.content)
                sources |= {member.name: member.content} if size <= self.max_bytes else {}
        if size > self.max_bytes:
            yield Unreadable(place, "file_too_large", f"sources of {size} bytes, more than {self.max_bytes}")
        elif sources and not articles and damage:
            # A paper that may lack a part is none; what is wrong with its archive has been told.
            return
        elif sources and not articles:
            yield self._source(sources, place, path.name if path else place.rpartition(":")[2])
        elif pdfs and path is not None and not articles:
            # Only now is it known that they are papers, not figures of one.
            with open_packed(path) as file:
                again = tar_members(Pieces(file), place, self.max_bytes, lambda n: n.lower().endswith(".pdf"), doubt)
                for member in again:
                    # What else is wrong with the archive has been told.
                    if isinstance(member, Member):
                        yield from self._pdf(member.content, member.locator)
                    elif member.reason == "damaged_member":
                        yield member
        elif not (others or articles):
            yield Unreadable(place, "no_paper_in_archive")

    def _packed(self, member: Member) -> Papers:
        content = gunzipped(member.content, self.max_bytes, member.locator)
        if isinstance(content, Unreadable):
            yield content
        elif is_tar(content):
            yield from self._archive(Pieces.of(content), member.locator, None)
        else:
            yield self._source({"main.tex": content}, member.locator, member.name)

    def _articles(self, pieces: Pieces, place: str, doubt: Exception | None = None) -> Papers:
        for found in jats.articles_in(pieces, place, self.max_bytes):
            if not isinstance(found, Unreadable) and doubt is not None:
                found = Unreadable(found[0], "damaged_member", str(doubt))
            article = found if isinstance(found, Unreadable) else jats.article(*found)
            if isinstance(article, Unreadable):
                yield article
                continue
            parts = [article.title, article.abstract, *([article.body] if self.part == "full" else [])]
            fields = {"title": article.title, "abstract": article.abstract}
            number = article.metadata.get("pmcid") or article.metadata.get("pmid") or ""
            yield self._paper(parts, article.locator, fields, article.metadata, number and f"article:{number}")

    def _row(self, line: str, locator: str) -> Document | Unreadable | Dropped:
        row = parsed(line, locator)
        if isinstance(row, Unreadable):
            return row
        try:
            title, abstract, metadata = snapshot_row(row)
        except ValueError as error:
            return Unreadable(locator, "not_a_paper", str(error))
        if self.categories and not in_categories(metadata["categories"], self.categories):
            return Dropped("other_category")
        title, abstract = self._readable(" ".join(title.split())), self._readable(unwrapped(abstract))
        record = f"abstract:{metadata['arxiv_id']}"
        return self._paper([title, abstract], locator, {"title": title, "abstract": abstract}, metadata, record)

    def _source(self, files: Mapping[str, bytes], locator: str, name: str) -> Document | Unreadable | Dropped:
        texts = {}
        for path, content in files.items():
            if b"\0" in content:
                return Unreadable(locator, "nul_bytes", f"{path} at byte {content.index(0)}")
            try:
                texts[path] = content.decode("utf-8-sig")
            except UnicodeDecodeError:
                # What is not UTF-8 of arXiv's sources is Latin-1, TeX's older habit.
                texts[path] = content.decode("latin-1")
        if not any("\\" in text for text in texts.values()):
            return Unreadable(locator, "unknown_format", "neither XML, JSON, PDF, tar nor TeX")
        try:
            found = latex_source.paper(texts, self.max_bytes, self._formula)
        except ValueError as error:
            return Unreadable(locator, "file_too_large", str(error))
        if found is None:
            return Unreadable(locator, "no_paper_in_archive")
        number = arxiv_id(name)
        metadata = {"arxiv_id": number} if number else {}
        return self._paper([found[1]], locator, {"title": found[0]}, metadata, f"source:{number}" if number else "")

    def _pdf(self, content: bytes, locator: str) -> Papers:
        try:
            text, said, wrong = pdf_text(content, self.max_bytes)
        except NotPdf as error:
            yield Unreadable(locator, error.reason, str(error))
            return
        for page, detail in wrong.items():
            yield Unreadable(f"{locator}#page={page}", "damaged_page", detail)
        if text:
            number = arxiv_id(locator.rpartition(":")[2])
            metadata: dict[str, Any] = {"arxiv_id": number} if number else {}
            metadata |= {"authors": [said["authors"]]} if "authors" in said else {}
            record = f"pdf:{number}" if number else ""
            yield self._paper([text], locator, {"title": said.get("title", "")}, metadata, record)

    def _formula(self, formula: str) -> str:
        if self.math == "latex":
            return formula
        return formula_text(formula) if self.math == "text" else ""

    def _readable(self, text: str) -> str:
        return latex.plain(text, self._formula) if TEX_SIGN.search(text) else text

    def _paper(
        self, parts: list[str], locator: str, fields: Mapping[str, str], metadata: Mapping[str, Any], record: str
    ) -> Document | Unreadable | Dropped:
        text = "\n\n".join(filter(None, parts))
        if not text.strip():
            return Unreadable(locator, "no_text")
        if self.licences and metadata.get("licence") not in self.licences:
            return Dropped("other_licence")
        kept = {name: value for name, value in fields.items() if value}
        return Document(text, id=locator, fields=kept, metadata={**metadata, "locator": locator}, record=record)
