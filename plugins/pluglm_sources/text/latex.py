"""LaTeX to readable text, in one pass whatever is wrong with it."""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Callable
from typing import Literal

Maths = Literal["latex", "text", "drop"]
# A group whose brace is not closed soon is none: damage must not swallow the rest, nor make this slow.
LONGEST_GROUP = 2_000
MOST_UNCLOSED = 200
# Stands where a macro went with its arguments.
GONE = "\ue000"

TOKEN = re.compile(
    r"[^\\${}~&]+|\\(begin|end)[ \t]*\{([^{}\n]{0,60})\}|\\([A-Za-z@]+)\*?[ \t]*|\\(.)|(\$\$?)|.",
    re.DOTALL,
)
BLANK = re.compile(r"\n[ \t]*\n\s*")
GROUP_PART = re.compile(r"\\.|[{}]", re.DOTALL)
OPEN_BRACE = re.compile(r"[ \t\n]*(?=\{)")
OPTION = re.compile(r"[ \t]*\[[^\[\]{}]{0,500}(?:\{[^{}]{0,200}\}[^\[\]{}]{0,500})?\]")
BASE = re.compile(r"[ \t]*(?:\{[ \t]*(\\[ij]|[^\W\d_])[ \t]*\}|(\\[ij](?![A-Za-z])|[^\W\d_]))")
LABEL = re.compile(r"[ \t]*\\label[ \t]*\{[^{}]{0,200}\}[ \t]*")

MATHS = {"equation", "align", "eqnarray", "gather", "multline", "displaymath", "math", "alignat", "flalign", "dmath"}
LEFT_OUT = {
    *("figure", "table", "tabular", "tabularx", "longtable", "wrapfigure", "tikzpicture", "thebibliography"),
    *("picture", "CCSXML", "algorithm", "algorithmic", "sidewaystable", "supertabular", "deluxetable"),
}
VERBATIM = {"verbatim", "lstlisting", "minted"}
HEADINGS = {"part", "chapter", "section", "subsection", "subsubsection", "paragraph", "title"}
# Macros that go with their arguments, and how many these are.
WITHOUT = {
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
    '"': "\u0308", "r": "\u030a", "H": "\u030b", "v": "\u030c", "d": "\u0323", "c": "\u0327", "k": "\u0328",
    "b": "\u0331",
}  # fmt: skip
LETTERS = {
    "ss": "ß", "o": "ø", "O": "Ø", "ae": "æ", "AE": "Æ", "oe": "œ", "OE": "Œ", "aa": "å", "AA": "Å", "l": "ł", "L": "Ł",
    "i": "ı", "j": "ȷ", "dh": "ð", "DH": "Ð", "th": "þ", "TH": "Þ", "dj": "đ", "DJ": "Đ", "ng": "ŋ", "NG": "Ŋ",
    "S": "§", "P": "¶", "copyright": "©", "pounds": "£", "euro": "€", "ldots": "…", "dots": "…", "textellipsis": "…",
    "textendash": "–", "textemdash": "—", "textquoteleft": "‘", "textquoteright": "’", "textquotedblleft": "“",
    "textquotedblright": "”", "textbackslash": "\\", "textasciitilde": "~", "textasciicircum": "^",
    "textdegree": "°", "textbar": "|", "textless": "<", "textgreater": ">", "textbullet": "•", "textregistered": "®",
    "texttrademark": "™", "LaTeX": "LaTeX", "TeX": "TeX", "LaTeXe": "LaTeX2e", "BibTeX": "BibTeX", "quad": " ",
    "qquad": " ", "space": " ", "newline": "\n", "par": "\n\n", "item": "\n- ", "dag": "†", "ddag": "‡",
    "guillemotleft": "«", "guillemotright": "»", "lq": "‘", "rq": "’", "slash": "/",
}  # fmt: skip
SIGNS = {"\\": "\n", " ": " ", "\n": " ", ",": " ", ";": " ", ":": " ", "!": "", "-": "", "/": "", "@": ""}
QUOTES = (("``", "“"), ("''", "”"), ("---", "—"), ("--", "–"))


def group(source: str, start: int) -> int | None:
    """Where the {group} that begins at `start` ends, behind its brace; None where it does not soon."""
    depth = 0
    for part in GROUP_PART.finditer(source, start, start + LONGEST_GROUP):
        depth += {"{": 1, "}": -1}.get(part[0], 0)
        if depth == 0:
            return part.end()
    return None


def plain(source: str, maths: Callable[[str], str]) -> str:
    """The text of a LaTeX body: macros by what they mean, unknown ones by their arguments; `maths` gets each formula
    with its delimiters. Figures, tables, references and citations are left out."""
    out: list[str] = []
    # What each open brace leaves behind when it is closed.
    closing: list[str] = []
    pending, at, gone, unclosed = "", 0, set[str](), 0

    def rest_of(close: str, start: int) -> int:
        # A close that is missing is looked for once: the pass stays linear.
        found = -1 if close in gone else source.find(close, start)
        if found < 0:
            gone.add(close)
        return found

    while at < len(source):
        token = TOKEN.match(source, at)
        if token is None:
            break
        begin, at = at, token.end()
        edge, environment, name, sign, dollars = token.groups()
        first = source[begin]
        if edge == "begin":
            kind, close = environment.rstrip("*"), f"\\end{{{environment}}}"
            stop = rest_of(close, at) if kind in MATHS or kind in LEFT_OUT or kind in VERBATIM else -1
            out.append("\n\n")
            if stop < 0:
                option = OPTION.match(source, at)
                at = option.end() if option else at
                continue
            if kind in MATHS:
                out += [maths(LABEL.sub("", source[begin : stop + len(close)])), "\n\n"]
            elif kind in VERBATIM:
                out += [source[at:stop], "\n\n"]
            at = stop + len(close)
        elif edge:
            out.append("\n\n")
        elif dollars or sign in ("(", "["):
            close = dollars or ("\\)" if sign == "(" else "\\]")
            stop = rest_of(close, at)
            while close == "$" and stop > 0 and source[stop - 1] == "\\":
                stop = rest_of(close, stop + 1)
            if stop >= 0:
                at = stop + len(close)
                formula = maths(LABEL.sub("", source[begin:at]))
                out.append(f"\n\n{formula}\n\n" if close in ("$$", "\\]") else formula)
        elif (name or sign) in ACCENTS and (base := BASE.match(source, at)):
            out.append(unicodedata.normalize("NFC", (base[1] or base[2]).lstrip("\\") + ACCENTS[name or sign]))
            at = base.end()
        elif name in LETTERS:
            out.append(LETTERS[name])
            at += 2 if source.startswith("{}", at) else 0
        elif name is not None:
            while option := OPTION.match(source, at):
                at = option.end()
            count = 1 if "cite" in name.lower() else WITHOUT.get(name, 0)
            out.append(GONE if count else "")
            for _ in range(count):
                brace = OPEN_BRACE.match(source, at) if unclosed < MOST_UNCLOSED else None
                end = group(source, brace.end()) if brace else None
                unclosed += brace is not None and end is None
                at = end or at
            if name in HEADINGS:
                out.append("\n\n")
                pending = "\n\n"
            elif name in ("footnote", "footnotetext"):
                out.append(" (")
                pending = ")"
        elif sign is not None:
            out.append(SIGNS.get(sign, sign))
        elif first == "{":
            closing.append(pending)
            pending = ""
        elif first == "}":
            out.append(closing.pop() if closing else "")
        else:
            out.append(" " if first in "~&" else _typeset(token[0]))
    return tidy("".join(out))


def _typeset(text: str) -> str:
    if "\n" in text:
        text = "\n\n".join(part.replace("\n", " ") for part in BLANK.split(text))
    for signs, typed in QUOTES:
        text = text.replace(signs, typed)
    return text


def tidy(text: str) -> str:
    """Spaces and blank lines as single ones, and none before what went, such as a citation."""
    text = re.sub(rf"[ \t]*{GONE}", "", text)
    text = re.sub(r"[ \t]+", " ", text)
    text = re.sub(r" ?\n ?", "\n", text)
    return re.sub(r"\n{3,}", "\n\n", text).strip()
