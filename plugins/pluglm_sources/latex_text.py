"""LaTeX sources to readable text, in one pass over the text whatever is wrong with it."""

from __future__ import annotations

import posixpath
import re
import unicodedata
from collections.abc import Callable, Mapping
from typing import Literal

Maths = Literal["latex", "text", "drop"]
LONGEST_GROUP = 2_000
DEEPEST_INPUT = 10

COMMENT = re.compile(
    r"(\\begin\{(verbatim|lstlisting|minted)\*?\}(?s:.)*?\\end\{\2\*?\})|(?<!\\)((?:\\\\)*)%[^\n]*(?:\n[ \t]*)?"
)
HIDDEN = re.compile(r"\\iffalse\b(?s:.)*?\\fi\b|\\begin\{comment\}(?s:.)*?\\end\{comment\}")
INPUT = re.compile(r"\\(?:input|include|subfile)\b[ \t]*(?:\{([^{}]{1,300})\}|([^\s{}\\]{1,300}))")
MACRO = re.compile(
    r"\\(?:(?:re)?newcommand\*?|providecommand\*?|DeclareRobustCommand\*?|def)[ \t]*\{?\\([A-Za-z@]+)\}?[ \t]*\{"
    r"((?:[^{}\\\n]|\\.|\{[^{}\n]*\}){0,200})\}"
)
TOKEN = re.compile(
    r"[^\\${}~&\n`'-]+|\\(begin|end)[ \t]*\{([^{}\n]{0,60})\}|\\([A-Za-z@]+)\*?[ \t]*|\\(.)|(\$\$?)|(\n[ \t]*\n\s*)|.",
    re.DOTALL,
)
GROUP_PART = re.compile(r"\\.|[{}]", re.DOTALL)
OPTION = re.compile(r"[ \t]*\[[^\[\]{}]{0,500}(?:\{[^{}]{0,200}\}[^\[\]{}]{0,500})?\]")
BASE = re.compile(r"[ \t]*(?:\{[ \t]*(\\[ij]|[^\W\d_])[ \t]*\}|(\\[ij](?![A-Za-z])|[^\W\d_]))")
LABEL = re.compile(r"[ \t]*\\label[ \t]*\{[^{}]*\}[ \t]*")

MATHS = {"equation", "align", "eqnarray", "gather", "multline", "displaymath", "math", "alignat", "flalign", "dmath"}
LEFT_OUT = {
    *("figure", "table", "tabular", "tabularx", "longtable", "wrapfigure", "tikzpicture", "thebibliography"),
    *("picture", "CCSXML", "algorithm", "algorithmic", "sidewaystable", "supertabular", "deluxetable"),
}
VERBATIM = {"verbatim", "lstlisting", "minted"}
HEADINGS = {"part", "chapter", "section", "subsection", "subsubsection", "paragraph", "title"}
WITHOUT = {  # Macros that go with their arguments, and how many these are.
    **dict.fromkeys(("label", "ref", "eqref", "pageref", "autoref", "cref", "Cref", "vref", "nocite", "bibitem"), 1),
    **dict.fromkeys(("bibliography", "bibliographystyle", "includegraphics", "vspace", "hspace", "thispagestyle"), 1),
    **dict.fromkeys(("pagestyle", "usepackage", "RequirePackage", "input", "include", "pagenumbering", "index"), 1),
    **dict.fromkeys(("email", "affiliation", "address", "institute", "date", "thanks", "author", "keywords"), 1),
    **dict.fromkeys(("setcounter", "addtocounter", "setlength", "addtolength", "newtheorem", "numberwithin"), 2),
    **dict.fromkeys(("textcolor", "href", "texorpdfstring", "color", "hypertarget", "hyperlink", "fontsize"), 1),
    **dict.fromkeys(("newcommand", "renewcommand", "providecommand", "DeclareMathOperator"), 2),
}
# https://www.unicode.org/charts/PDF/U0300.pdf
ACCENTS = {
    "`": "\u0300", "'": "\u0301", "^": "\u0302", "~": "\u0303", "=": "\u0304", "u": "\u0306", ".": "\u0307",
    '"': "\u0308", "r": "\u030a", "H": "\u030b", "v": "\u030c", "d": "\u0323", "c": "\u0327", "k": "\u0328", "b": "\u0331",
}  # fmt: skip
LETTERS = {
    "ss": "ß", "o": "ø", "O": "Ø", "ae": "æ", "AE": "Æ", "oe": "œ", "OE": "Œ", "aa": "å", "AA": "Å", "l": "ł", "L": "Ł",
    "i": "ı", "j": "ȷ", "dh": "ð", "DH": "Ð", "th": "þ", "TH": "Þ", "dj": "đ", "DJ": "Đ", "ng": "ŋ", "NG": "Ŋ",
    "S": "§", "P": "¶", "copyright": "©", "pounds": "£", "euro": "€", "ldots": "…", "dots": "…", "textellipsis": "…",
    "textendash": "–", "textemdash": "—", "textquoteleft": "‘", "textquoteright": "’", "textquotedblleft": "“",
    "textquotedblright": "”", "textbackslash": "\\", "textasciitilde": "~", "textasciicircum": "^", "textdegree": "°",
    "textbar": "|", "textless": "<", "textgreater": ">", "textbullet": "•", "textregistered": "®", "texttrademark": "™",
    "LaTeX": "LaTeX", "TeX": "TeX", "LaTeXe": "LaTeX2e", "BibTeX": "BibTeX", "quad": " ", "qquad": " ", "space": " ",
    "newline": "\n", "par": "\n\n", "item": "\n- ", "dag": "†", "ddag": "‡", "guillemotleft": "«", "guillemotright": "»",
}  # fmt: skip
SIGNS = {"\\": "\n", " ": " ", "\n": " ", ",": " ", ";": " ", ":": " ", "!": "", "-": "", "/": "", "@": ""}
QUOTES = (("``", "“"), ("''", "”"), ("---", "—"), ("--", "–"))


def without_comments(source: str) -> str:
    """The source without what TeX does not read."""
    kept = COMMENT.sub(lambda match: match[1] or match[3] or "", source) if "%" in source else source
    return HIDDEN.sub("", kept) if "\\iffalse" in kept or "{comment}" in kept else kept


def main_file(files: Mapping[str, str]) -> str | None:
    """Which of the files of a source is the one that is typeset: it has a class and a document, and is not input by others.

    Source: https://info.arxiv.org/help/faq/mistakes.html
    """

    def fit(name: str) -> tuple[bool, bool, bool, int, int, str]:
        text = files[name]
        stem = posixpath.splitext(posixpath.basename(name))[0].lower()
        return (
            "\\begin{document}" not in text,
            "\\documentclass" not in text and "\\documentstyle" not in text,
            stem not in ("ms", "main", "paper", "article"),
            name.count("/"),
            -len(text),
            name,
        )

    texts = [name for name in files if name.lower().endswith((".tex", ".ltx", ".latex")) or "." not in name]
    return min(texts, key=fit, default=None)


def with_inputs(files: Mapping[str, str], name: str, most: int, depth: int = 0) -> str:
    r"""A file with what it `\input`s and `\include`s from among `files`, at most `most` characters.

    Raises:
        ValueError: where it gets longer, as files that input each other do.
    """
    folder, parts, end, size = posixpath.dirname(name), [], 0, 0
    source = files[name]
    for match in INPUT.finditer(source):
        asked = (match[1] or match[2] or "").strip().strip('"')
        places = [posixpath.normpath(posixpath.join(base, asked)) for base in ("", folder)]
        found = next((place + end for place in places for end in ("", ".tex") if place + end in files), None)
        text = "" if found is None or depth >= DEEPEST_INPUT else with_inputs(files, found, most - size, depth + 1)
        parts += [source[end : match.start()], text]
        size += len(parts[-1]) + len(parts[-2])
        if size > most:
            raise ValueError(f"more than {most} characters with what it inputs")
        end = match.end()
    if size + len(source) - end > most:
        raise ValueError(f"more than {most} characters with what it inputs")
    return "".join((*parts, source[end:]))


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
        return macros[match[1]] + ("{}" if match[2] else "")

    preamble, begin, rest = source.partition("\\begin{document}")
    return preamble + begin + re.sub(r"\\([A-Za-z@]+)([ \t]*)", body, rest)


def group(source: str, start: int) -> int | None:
    """Where the {group} that begins at `start` ends, behind its brace; None where it does not soon."""
    depth = 0
    for part in GROUP_PART.finditer(source, start, start + LONGEST_GROUP):
        depth += {"{": 1, "}": -1}.get(part[0], 0)
        if depth == 0:
            return part.end()
    return None


def argument(source: str, macro: str) -> str | None:
    r"""The argument of the first `\macro[...]{...}`."""
    match = re.search(rf"\\{macro}\b\*?[ \t\n]*(?:\[[^\]]{{0,500}}\][ \t\n]*)?(?=\{{)", source)
    end = group(source, match.end()) if match else None
    return source[match.end() + 1 : end - 1] if match and end else None


def plain(source: str, maths: Callable[[str], str]) -> str:
    """The text of a LaTeX body: macros by what they mean, unknown ones by their arguments; `maths` gets each formula with its
    delimiters. Figures, tables, references and citations are left out."""
    out: list[str] = []
    closing: list[str] = []  # What each open brace leaves behind when it is closed.
    pending, at, gone = "", 0, set()

    def rest_of(close: str, start: int) -> int:
        # A close that is missing is looked for once: the pass stays linear.
        found = -1 if close in gone else source.find(close, start)
        if found < 0:
            gone.add(close)
        return found

    while at < len(source):
        token = TOKEN.match(source, at)
        assert token is not None
        begin, at = at, token.end()
        first = source[begin]
        environment, name, sign = token[2], token[3], token[4]
        if token[1] == "begin" and environment is not None:
            kind = environment.rstrip("*")
            if kind in MATHS | LEFT_OUT | VERBATIM and (end := rest_of(f"\\end{{{environment}}}", at)) >= 0:
                if kind in MATHS:
                    at = end + len(environment) + 6
                    out.append(f"\n\n{maths(LABEL.sub('', source[begin:at]))}\n\n")
                else:
                    out.append(f"\n\n{source[at:end]}\n\n" if kind in VERBATIM else "\n\n")
                    at = end + len(environment) + 6
            else:
                at = (option.end() if (option := OPTION.match(source, at)) else at) if kind not in MATHS else at
                out.append("\n\n")
        elif token[1] == "end":
            out.append("\n\n")
        elif token[5] or sign in ("(", "["):
            close = {"(": "\\)", "[": "\\]"}.get(sign or "", token[5])
            end = rest_of(close, at)
            while close == "$" and end >= 0 and source[end - 1] == "\\":
                end = rest_of(close, end + 1)
            if end >= 0:
                at = end + len(close)
                formula = maths(LABEL.sub("", source[begin:at]))
                out.append(f"\n\n{formula}\n\n" if close in ("$$", "\\]") else formula)
        elif token[6]:
            out.append("\n\n")
        elif (name or sign) in ACCENTS and (base := BASE.match(source, at)):
            letter = (base[1] or base[2]).lstrip("\\")
            out.append(unicodedata.normalize("NFC", letter + ACCENTS[name or sign]))
            at = base.end()
        elif name is not None:
            if name in LETTERS:
                out.append(LETTERS[name])
                at = at if not source.startswith("{}", at) else at + 2
                continue
            while option := OPTION.match(source, at):
                at = option.end()
            if name in HEADINGS:
                out.append("\n\n")
                pending = "\n\n"
            elif name in ("footnote", "footnotetext"):
                out.append(" (")
                pending = ")"
            for _ in range(1 if "cite" in name.lower() else WITHOUT.get(name, 0)):
                brace = re.compile(r"[ \t\n]*(?=\{)").match(source, at)
                skipped = group(source, brace.end()) if brace else None
                at = at if skipped is None else skipped
        elif sign is not None:
            out.append(SIGNS.get(sign, sign))
        elif first == "{":
            closing.append(pending)
            pending = ""
        elif first == "}":
            out.append(closing.pop() if closing else "")
        elif first in "`'-" and (quote := next((pair for pair in QUOTES if source.startswith(pair[0], begin)), None)):
            out.append(quote[1])
            at = begin + len(quote[0])
        else:
            out.append(" " if first in "~&\n" else token[0])
    return tidy("".join(out))


def tidy(text: str) -> str:
    """Spaces and blank lines as single ones, and none where a citation was before a stop."""
    text = re.sub(r"[ \t]+", " ", text)
    text = re.sub(r" ?\n ?", "\n", text)
    text = re.sub(r"\n{3,}", "\n\n", text)
    return re.sub(r" +(?=[.,;:)])", "", text).strip()


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
    title = plain(argument(source, "title") or "", maths)
    _, _, body = source.rpartition("\\begin{document}") if "\\begin{document}" in source else ("", "", source)
    body = re.split(r"\\end\{document\}|\\bye\b|\\endinput\b", body, maxsplit=1)[0]
    # Some classes have the title in the body.
    text = plain(re.sub(r"\\maketitle\b", "", body), maths)
    return title, text if not title or title in text[: len(title) + 200] else f"{title}\n\n{text}"
