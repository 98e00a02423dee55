"""Short HTML, as posts and descriptions hold it, to text, without a parser."""

from __future__ import annotations

import html
import re

BLOCK = re.compile(r"</?(?:p|pre|blockquote|ul|ol|h[1-6]|hr|div|table|tr)\b[^>]*>|<br\s*/?>", re.IGNORECASE)
ITEM, TAG = re.compile(r"<li\b[^>]*>", re.IGNORECASE), re.compile(r"</?[a-zA-Z][^>]*>")


def plain(body: str) -> str:
    """The text of a post's HTML: blocks as lines, items with a dash, code as it is."""
    text = TAG.sub("", ITEM.sub("\n- ", BLOCK.sub("\n", body)))
    return re.sub(r"\n{3,}", "\n\n", html.unescape(text)).strip()
