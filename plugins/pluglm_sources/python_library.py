"""The standard library of the running interpreter: real text on every machine."""

from __future__ import annotations

import ast
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

    Docstrings stand in the code as well, and the reference in its file `pydoc_data/topics.py`. Where figures on
    held-out text must not gain by that, take one part alone.
    """

    parts: Annotated[
        tuple[Literal["code", "docstrings", "reference"], ...],
        Field(min_length=1, description="What becomes documents"),
    ] = ("code", "docstrings", "reference")
    max_megabytes: Annotated[float | None, Field(gt=0, description="How much text at most; null for all")] = 12.0

    def inputs(self) -> list[Path]:
        """The Python files of the library."""
        root = Path(sysconfig.get_paths()["stdlib"])
        files = [path for path in root.rglob("*.py") if not LEFT_OUT & set(path.relative_to(root).parts)]
        return sorted(files, key=lambda path: xxhash.xxh3_64_intdigest(path.relative_to(root).as_posix().encode()))

    def read(self) -> Iterator[Document | Unreadable]:
        """The documents, the reference first."""
        root = Path(sysconfig.get_paths()["stdlib"])
        left = float("inf") if self.max_megabytes is None else self.max_megabytes * 1e6
        for document in self._documents(root):
            if isinstance(document, Document):
                if left <= 0:
                    return
                left -= len(document.text)
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
            if "code" in self.parts and code.strip():
                yield Document(code, id=f"code/{name}", metadata={"part": "code"})
            if "docstrings" in self.parts:
                text = docstrings(code)
                if text:
                    yield Document(text, id=f"docstrings/{name}", metadata={"part": "docstrings"})


def docstrings(code: str) -> str:
    """The docstrings of a module, its classes and functions, a blank line between; none for what does not parse."""
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            tree = ast.parse(code)
    except (SyntaxError, ValueError, RecursionError):
        return ""
    kinds = (ast.Module, ast.ClassDef, ast.FunctionDef, ast.AsyncFunctionDef)
    found = [ast.get_docstring(node) for node in ast.walk(tree) if isinstance(node, kinds)]
    return "\n\n".join(text for text in found if text)
