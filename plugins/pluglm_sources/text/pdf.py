"""The text of PDF files, through pypdf."""

from __future__ import annotations

import contextlib
import io
import logging
import re
from collections.abc import Iterator

BROKEN_WORD = re.compile(r"([^\W\d_])-\n(?=[a-zß-ÿ])")


class NotPdf(ValueError):
    """A file that pypdf cannot read; `reason` is a short code."""

    def __init__(self, reason: str, detail: str) -> None:
        super().__init__(detail)
        self.reason = reason


@contextlib.contextmanager
def _quiet() -> Iterator[None]:
    # It logs each oddity of a file; what cannot be read is told by exceptions.
    logger, handler = logging.getLogger("pypdf"), logging.NullHandler()
    before, logger.propagate = logger.propagate, False
    logger.addHandler(handler)
    try:
        yield
    finally:
        logger.removeHandler(handler)
        logger.propagate = before


def pdf_text(content: bytes, most: int) -> tuple[str, dict[str, str], dict[int, str]]:
    """Text, metadata (title, authors) and what is wrong with each page that could not be read, by its number from 1; of
    text at most `most` characters.

    Raises:
        NotPdf: where it cannot be opened, is encrypted, or has no text (pictures of pages).
    """
    from pypdf import PdfReader

    pages: list[str] = []
    wrong: dict[int, str] = {}
    with _quiet():
        # pypdf raises errors of every kind on damaged files, besides its own.
        try:
            reader = PdfReader(io.BytesIO(content))
            if reader.is_encrypted and not reader.decrypt(""):
                raise NotPdf("encrypted", "a password is needed")
            said = reader.metadata or {}
            info = {"title": said.get("/Title"), "authors": said.get("/Author")}
            count = len(reader.pages)
        except NotPdf:
            raise
        except (Exception, RecursionError) as error:
            raise NotPdf("truncated_or_damaged", f"{type(error).__name__}: {error}") from error
        size = 0
        for number in range(count):
            try:
                text = reader.pages[number].extract_text()
            except (Exception, RecursionError) as error:
                wrong[number + 1] = f"{type(error).__name__}: {error}"
                continue
            size += len(text)
            if size > most:
                raise NotPdf("file_too_large", f"more than {most} characters")
            pages.append(BROKEN_WORD.sub(r"\1", text).strip())
    text = "\n\n".join(filter(None, pages))
    if not text and not wrong:
        raise NotPdf("no_text", f"{count} pages without text")
    return text, {key: str(value) for key, value in info.items() if value}, wrong
