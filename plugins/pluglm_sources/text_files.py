"""Plain text files."""

from __future__ import annotations

import re
from collections.abc import Iterator
from pathlib import Path
from typing import Annotated, Any, Literal

from pydantic import Field

from pluglm import Document, Unreadable
from pluglm_sources.files.local import FileSource
from pluglm_sources.files.paths import shown
from pluglm_sources.files.reading import decoded, read_whole, text_lines_of


class TextFiles(FileSource):
    """Text files in UTF-8 (.txt, .md, .rst, code ...): a document for each file, paragraph or line.

    A file that is empty, too large, not UTF-8, or cut short within its compression is quarantined by name.
    """

    unit: Annotated[
        Literal["file", "paragraph", "line"], Field(description="What becomes a document; blank lines part paragraphs")
    ] = "file"
    max_bytes: Annotated[int, Field(ge=1, description="Larger files (or lines, with unit=line) are quarantined")] = (
        64_000_000
    )

    @classmethod
    def example(cls, folder: Path) -> dict[str, Any]:
        """Two files."""
        for name in ("one", "two"):
            (folder / f"{name}.txt").write_text(f"This is text {name}.\n", encoding="utf-8")
        return {"paths": [str(folder / "*.txt")]}

    def read_file(self, path: Path) -> Iterator[Document | Unreadable]:
        """The documents of one file."""
        if self.unit == "line":
            for locator, line in text_lines_of(path, self.max_bytes):
                yield line if isinstance(line, Unreadable) else Document(line, id=locator)
            return
        content = read_whole(path, self.max_bytes)
        if isinstance(content, Unreadable):
            yield content
        elif self.unit == "paragraph":
            yield from _paragraphs(content, shown(path))
        else:
            text = decoded(content, shown(path))
            yield text if isinstance(text, Unreadable) else Document(text, id=shown(path))


def _paragraphs(content: bytes, path: str) -> Iterator[Document | Unreadable]:
    # Parted before they are decoded: what is no UTF-8 costs its paragraph.
    parts = re.split(rb"(?:\r?\n[ \t]*){2,}", content.removeprefix(b"\xef\xbb\xbf").strip())
    for number, part in enumerate(parts, start=1):
        text = decoded(part, f"{path}#{number}")
        if isinstance(text, Unreadable):
            yield text
        elif text := text.strip() if number in (1, len(parts)) else text:
            yield Document(text, id=f"{path}#{number}")
