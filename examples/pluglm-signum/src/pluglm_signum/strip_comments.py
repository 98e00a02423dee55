"""Comments of Python code."""

from __future__ import annotations

import io
import tokenize
from typing import Annotated

from pydantic import Field

from pluglm import Document, Dropped, Preprocessor


def strip_comments(code: str, keep_first_line: bool = True) -> str:
    """`code` without its comments, and without the lines that held nothing else. What is not Python stays as it is.

    `keep_first_line` keeps a comment there: `#!/usr/bin/env python`, or the encoding.
    """
    lines = code.splitlines(keepends=True)
    try:
        tokens = list(tokenize.generate_tokens(io.StringIO(code, newline="").readline))
    except (tokenize.TokenError, SyntaxError):
        return code
    for token in reversed(tokens):
        row, column = token.start[0] - 1, token.start[1]
        if token.type != tokenize.COMMENT or (keep_first_line and row == 0) or row >= len(lines):
            continue
        rest = lines[row][:column].rstrip()
        ending = lines[row][column + len(token.string) :]
        lines[row] = rest + ending if rest else ""
    return "".join(lines)


class StripComments(Preprocessor):
    """Takes the comments out of Python code, found by Python's own tokenizer: a `#` in a string stays. Text that is not
    Python is left as it is; a document of comments alone is dropped.

    Source: the Python language reference, section 2.1.3
    """

    keep_first_line: Annotated[bool, Field(description="Keep a comment in the first line, such as #!")] = True

    def process(self, document: Document) -> Document | Dropped:
        """The document without comments."""
        stripped = document.map_text(self.fields, lambda code: strip_comments(code, self.keep_first_line))
        if document.text.strip() and not stripped.text.strip():
            return Dropped("only_comments")
        return stripped
