"""The files of a LaTeX source to one: comments, inputs and own macros resolved."""

from __future__ import annotations

import posixpath
import re
from collections.abc import Callable, Mapping

from pluglm_sources.text.latex import LETTERS, group, plain

# Files that input each other would never end otherwise.
DEEPEST_INPUT, MOST_INPUTS = 10, 2_000
UNREAD = re.compile(
    r"\\begin\{(verbatim|lstlisting|minted|comment)(\*?)\}|\\iffalse(?![A-Za-z])|(?<!\\)((?:\\\\)*)%[^\n]*(?:\n[ \t]*)?"
)
INPUT = re.compile(r"\\(?:input|include|subfile)(?![A-Za-z])[ \t]*(?:\{([^{}]{1,300})\}|([^\s{}\\]{1,300}))")
MACRO = re.compile(
    r"\\(?:(?:re)?newcommand\*?|providecommand\*?|DeclareRobustCommand\*?|def)[ \t]*\{?\\([A-Za-z@]+)\}?[ \t]*\{"
    r"((?:[^{}\\\n]++|\\.|\{[^{}\n]{0,200}\}){0,60}+)\}"
)
NAMED = re.compile(r"\\([A-Za-z@]+)([ \t]*)")
END = re.compile(r"\\end\{document\}|\\bye(?![A-Za-z])")
TEX = (".tex", ".ltx", ".latex")


def without_comments(source: str) -> str:
    r"""The source without what TeX does not read: from % to the next line's text, `\iffalse` to `\fi`."""
    parts: list[str] = []
    at, gone = 0, set[str]()
    while match := UNREAD.search(source, at):
        parts.append(source[at : match.start()])
        at = match.end()
        if match[1] or match[0].startswith("\\iffalse"):
            close = f"\\end{{{match[1]}{match[2]}}}" if match[1] else "\\fi"
            # A close that is missing is looked for once: damage does not make this slow.
            end = -1 if close in gone else source.find(close, at)
            if end < 0:
                gone.add(close)
                parts.append(match[0])
                continue
            if match[1] and match[1] != "comment":
                parts.append(source[match.start() : end + len(close)])
            at = end + len(close)
        else:
            parts.append(match[3] or "")
    return "".join((*parts, source[at:]))


def main_file(files: Mapping[str, str]) -> str | None:
    """Which of the files of a source is typeset: it has a document, a class, a usual name, is not in a folder, is long.

    Source: https://info.arxiv.org/help/faq/mistakes.html
    """

    def fit(name: str) -> tuple[bool, bool, bool, int, int, str]:
        text, stem = files[name], posixpath.splitext(posixpath.basename(name))[0].lower()
        return (
            "\\begin{document}" not in text,
            "\\documentclass" not in text and "\\documentstyle" not in text,
            stem not in ("ms", "main", "paper", "article"),
            name.count("/"),
            -len(text),
            name,
        )

    texts = [name for name in files if name.lower().endswith(TEX) or "\\begin{document}" in files[name]]
    return min(texts, key=fit, default=None)


def with_inputs(files: Mapping[str, str], main: str, most: int) -> str:
    r"""A file with what it `\input`s and `\include`s from among `files`, at most `most` characters.

    Raises:
        ValueError: where it gets longer, or inputs more files, as those do that input each other.
    """
    size = inputs = 0

    def resolved(name: str, depth: int) -> str:
        nonlocal size, inputs
        inputs += 1
        if inputs > MOST_INPUTS or depth > DEEPEST_INPUT:
            raise ValueError(f"more than {MOST_INPUTS} inputs, or deeper than {DEEPEST_INPUT}")
        source, parts, end = files[name], [], 0
        for match in INPUT.finditer(source):
            asked = (match[1] or match[2] or "").strip().strip('"')
            bases = ("", posixpath.dirname(main), posixpath.dirname(name))
            places = [posixpath.normpath(posixpath.join(base, asked)) for base in bases]
            found = next((place + end for place in places for end in ("", ".tex") if place + end in files), None)
            parts += [source[end : match.start()], resolved(found, depth + 1) if found is not None else ""]
            end = match.end()
        parts.append(source[end:])
        size += sum(map(len, parts[::2]))
        if size > most:
            raise ValueError(f"more than {most} characters with what it inputs")
        return "".join(parts)

    return resolved(main, 0)


def expanded(source: str, most: int) -> str:
    r"""The source with its own macros without arguments (`\newcommand{\eg}{e.g.}`) replaced, once.

    Raises:
        ValueError: where that makes more than `most` characters of it.
    """
    macros = {match[1]: match[2] for match in MACRO.finditer(source) if match[1] not in LETTERS}
    if not macros:
        return source
    size = len(source)

    def body(match: re.Match[str]) -> str:
        nonlocal size
        if match[1] not in macros:
            return match[0]
        size += len(macros[match[1]])
        if size > most:
            raise ValueError(f"more than {most} characters with its macros")
        return macros[match[1]]

    preamble, begin, rest = source.partition("\\begin{document}")
    return preamble + begin + NAMED.sub(body, rest)


def argument(source: str, macro: str) -> str | None:
    r"""The argument of the first `\macro[...]{...}`."""
    match = re.search(rf"\\{macro}(?![A-Za-z])\*?[ \t\n]*(?:\[[^\]]{{0,500}}\][ \t\n]*)?(?=\{{)", source)
    end = group(source, match.end()) if match else None
    return source[match.end() + 1 : end - 1] if match and end else None


def paper(files: Mapping[str, str], most: int, maths: Callable[[str], str]) -> tuple[str, str] | None:
    """Title and text of the paper in a source; None where no file of it is TeX.

    Raises:
        ValueError: where it is more than `most` characters with what it inputs.
    """
    sources = {posixpath.normpath(name): without_comments(text) for name, text in files.items()}
    name = main_file(sources)
    if name is None:
        return None
    source = expanded(with_inputs(sources, name, most), most)
    title = " ".join(plain(argument(source, "title") or "", maths).split())
    before, begin, body = source.partition("\\begin{document}")
    text = plain(END.split(body if begin else before, maxsplit=1)[0], maths)
    # Some classes have the title in the body, where it stands first.
    there = not title or title in " ".join(text[: 2 * len(title) + 200].split())
    return title, text if there else f"{title}\n\n{text}"
