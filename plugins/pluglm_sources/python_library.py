"""The standard library of the running interpreter: real text on every machine."""

from __future__ import annotations

import ast
import os
import sysconfig
import warnings
from collections.abc import Iterator
from pathlib import Path
from typing import Annotated, Literal

import xxhash
from pydantic import Field

from pluglm import Document, Source, Unreadable

LEFT_OUT = {"site-packages", "dist-packages", "test", "tests", "idle_test", "__pycache__", "encodings", "lib2to3"}


class PythonLibrary(Source):
    """Python's standard library: its code, its docstrings and the language reference that `help()` shows.

    Tests, character tables and installed packages are left out. Files are taken in the order of a hash of their names
    until `max_megabytes` are reached, so that a small share is a fair sample.

    No text is taken twice, so that held-out figures do not gain by what the parts share: where docstrings are a part,
    the code comes without them, and where the reference is, without the file that holds it.
    """

    parts: Annotated[
        tuple[Literal["code", "docstrings", "reference"], ...],
        Field(min_length=1, description="What becomes documents"),
    ] = ("code", "docstrings", "reference")
    max_megabytes: Annotated[
        float | None, Field(gt=0, description="How much text at most, in millions of bytes; null for all")
    ] = 12.0

    def inputs(self) -> list[Path]:
        """The Python files of the library."""
        root = Path(sysconfig.get_paths()["stdlib"])
        left_out = LEFT_OUT | ({"pydoc_data"} if "reference" in self.parts else set())
        files = []
        for folder, below, names in os.walk(root):
            # In place, so that installed packages, many times as many files, are not walked through.
            below[:] = [name for name in below if name not in left_out]
            files += [Path(folder, name) for name in names if name.endswith(".py") and name not in left_out]
        return sorted(files, key=lambda path: xxhash.xxh3_64_intdigest(path.relative_to(root).as_posix().encode()))

    def read(self) -> Iterator[Document | Unreadable]:
        """The documents, the reference first."""
        root = Path(sysconfig.get_paths()["stdlib"])
        left = float("inf") if self.max_megabytes is None else self.max_megabytes * 1e6
        for document in self._documents(root):
            if isinstance(document, Document):
                if left <= 0:
                    return
                left -= len(document.text.encode())
                document.metadata["licence"] = "PSF-2.0"
            yield document

    def _documents(self, root: Path) -> Iterator[Document | Unreadable]:
        if "reference" in self.parts:
            from pydoc_data.topics import topics

            for name, text in sorted(topics.items()):
                yield Document(text, id=f"reference/{name}", metadata={"part": "reference"})
        for path in self.inputs():
            name = path.relative_to(root).as_posix()
            try:
                code = path.read_text(encoding="utf-8")
            except (OSError, UnicodeDecodeError) as error:
                yield Unreadable(name, "unreadable", str(error))
                continue
            text, rest = split_docstrings(code) if "docstrings" in self.parts else ("", code)
            if "code" in self.parts and rest.strip():
                yield Document(rest, id=f"code/{name}", metadata={"part": "code"})
            if text:
                yield Document(text, id=f"docstrings/{name}", metadata={"part": "docstrings"})


def split_docstrings(code: str) -> tuple[str, str]:
    """The docstrings of a module, its classes and functions, a blank line between; and the code without them.

    Where nothing else is in a body, `...` takes their place. Code that does not parse stays as it is.
    """
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            tree = ast.parse(code)
    except (SyntaxError, ValueError, RecursionError):
        return "", code
    kinds = (ast.Module, ast.ClassDef, ast.FunctionDef, ast.AsyncFunctionDef)
    nodes = [node for node in ast.walk(tree) if isinstance(node, kinds)]
    documented = [(node, text) for node in nodes if (text := ast.get_docstring(node))]
    # ast counts lines as bytes.splitlines does, and columns in bytes of UTF-8.
    lines = code.encode().splitlines(keepends=True)
    for node, _ in sorted(documented, key=lambda pair: -pair[0].body[0].lineno):
        place = node.body[0]
        first, last = place.lineno - 1, (place.end_lineno or place.lineno) - 1
        before, after = lines[first][: place.col_offset], lines[last][place.end_col_offset :]
        alone = len(node.body) == 1 and not isinstance(node, ast.Module)
        instead = b"..." if alone or after.lstrip().startswith(b";") else b""
        rest = before + instead + after
        lines[first : last + 1] = [rest] if rest.strip() else []
    return "\n\n".join(text for _, text in documented), b"".join(lines).decode()
