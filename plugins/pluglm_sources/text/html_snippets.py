"""Short HTML, as posts and descriptions hold it, to text, without a parser."""

from __future__ import annotations

import html
import re

BLOCK = re.compile(r"</?(?:p|pre|blockquote|ul|ol|h[1-6]|hr|div|table|tr)\b[^>]*>|<br\s*/?>", re.IGNORECASE)
CODE = re.compile(r"<pre\b[^>]*>(.*?)(?:</pre\s*>|$)", re.IGNORECASE | re.DOTALL)
NEWLINES = re.compile(r"\n{3,}")
ITEM, TAG = re.compile(r"<li\b[^>]*>", re.IGNORECASE), re.compile(r"</?[a-zA-Z][^>]*>")


def plain(body: str) -> str:
    """The text of a post's HTML: blocks as lines, items with a dash, code as it is, with its blank lines and the
    indentation of its first line."""
    # Outside and inside of code by turns; the line ends at the bounds of code belong to what is around it.
    parts = [_without_tags(part) for part in CODE.split(body)]
    for place in range(1, len(parts), 2):
        code = parts[place].strip("\n")
        if not code.strip():
            parts[place + 1] = f"{parts[place - 1]}\n{parts[place]}\n{parts[place + 1]}"
            parts[place - 1], code = "", ""
        else:
            before = len(parts[place]) - len(parts[place].lstrip("\n"))
            after = len(parts[place]) - before - len(code)
            parts[place - 1] += "\n" * (before + 1)
            parts[place + 1] = "\n" * (after + 1) + parts[place + 1]
        parts[place] = code
    joined = [part if place % 2 else NEWLINES.sub("\n\n", part) for place, part in enumerate(parts)]
    first = next((place for place, part in enumerate(joined) if part.strip()), 0)
    return "".join([joined[first].strip("\n") if first % 2 else joined[first].lstrip(), *joined[first + 1 :]]).rstrip()


def _without_tags(part: str) -> str:
    return html.unescape(TAG.sub("", ITEM.sub("\n- ", BLOCK.sub("\n", part))))
