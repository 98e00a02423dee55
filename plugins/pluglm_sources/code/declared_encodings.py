"""The text of a file of code, also where it says of itself in which encoding it is written."""

from __future__ import annotations

import codecs
import re

from pluglm import Unreadable
from pluglm_sources.files.reading import decoded

# https://peps.python.org/pep-0263/, which Ruby, Emacs (-*- coding: -*-) and Vim (fileencoding=) write in the same way;
# the declarations of XML, HTML and CSS. The first lines alone say it.
DECLARED = (
    re.compile(rb"\A(?:[^\r\n]*\r?\n)?[^\r\n]*?coding[:=][ \t]*([-\w.]+)"),
    re.compile(rb"""\A\s*<\?xml[^>]{0,200}?encoding\s*=\s*["']([-\w.]+)["']"""),
    re.compile(rb"""\A@charset "([-\w.]+)";"""),
    re.compile(rb"""<meta[^>]{0,200}?charset\s*=\s*["']?\s*([-\w.:]+)""", re.IGNORECASE),
    re.compile(rb"(?:vim?|ex):[^\r\n]{0,200}?(?:fileencoding|fenc)=([-\w.]+)"),
)
HEAD = 2000
# Encodings of text that would read any bytes as something else, or not as bytes.
OTHER = ("utf_7", "idna", "punycode", "unicode_escape", "raw_unicode_escape", "undefined")


def decoded_code(content: bytes, locator: str) -> str | Unreadable:
    """The text: as UTF-8 where the bytes are that, else in the encoding that the file declares; or what is wrong."""
    text = decoded(content, locator)
    if not isinstance(text, Unreadable) or text.reason != "invalid_utf8":
        return text
    encoding = declared_encoding(content)
    if encoding is None:
        return text
    try:
        said = content.decode(encoding)
    except (UnicodeError, ValueError) as error:
        return Unreadable(locator, "undecodable", f"as {encoding}, which it declares: {error}")
    return Unreadable(locator, "nul_bytes", f"at character {said.index(chr(0))}") if "\0" in said else said


def declared_encoding(content: bytes) -> str | None:
    """The codec that a file names in its first lines; None where it names none that is known."""
    for pattern in DECLARED:
        if match := pattern.search(content[:HEAD]):
            name = match[1].decode("ascii", "replace").lower()
            # Emacs names the line ends as well: latin-1-unix.
            for label in (name, re.sub(r"-(?:unix|dos|mac)$", "", name)):
                try:
                    found = codecs.lookup(label)
                except (LookupError, ValueError):
                    continue
                plain = found.name.replace("-", "_")
                if getattr(found, "_is_text_encoding", True) and plain not in OTHER and not plain.startswith("utf"):
                    return found.name
    return None
