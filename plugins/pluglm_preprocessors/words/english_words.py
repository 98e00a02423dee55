"""Words and marks of English text, cut as spaCy's rules cut them, without its lists of exceptions.

Gopher's limits are shares of words, and what they mean was measured with such tokens: each bracket, quote or comma
is one, and so is each part of well-known.
"""

from __future__ import annotations

import re

# Marks that are cut off at both ends of what stands between white space, one by one.
MARKS = r"…,:;!?¿¡()\[\]{}<>_#*&。，、；：！？（）·।'\"”“`‘´’‚„»«「」『』§%=—–$£€¥₹"
PIECE = re.compile(rf"\.\.+|[{MARKS}]|\+(?!\d)|[^\s{MARKS}](?:\S*[^\s{MARKS}])?")
INSIDE = re.compile(
    r"(\.\.+|…|(?<=[^\W_])(?:-{1,3}|[–—~])(?=[^\W\d_])|(?<=[^\W\d_]),(?=[^\W\d_])|(?<=[^\W_])[:<>=/](?=[^\W\d_])"
    r"|(?<=[a-z])\.(?=[A-Z])|(?<=\d)[+*^-](?=[\d-]))"
)
CONTRACTION = re.compile(r"(.+?)(n['’]t|['’](?:s|ll|re|ve|m|d|S))")
# A period ends a word in lower case or a number, and stays with an abbreviation (U.S., Mr.).
PERIOD = re.compile(rf"(?<=[a-z0-9²+{MARKS}-])\.$|(?<=[A-Z][A-Z])\.$")
ABBREVIATIONS = frozenset(
    "e.g. i.e. mr. mrs. ms. dr. prof. st. jr. sr. vs. inc. ltd. co. corp. gen. rev. jan. feb. mar. apr. jun. jul. aug. "
    "sep. sept. oct. nov. dec. a.m. p.m. mt. ph.d. messrs.".split()
)


def words(text: str) -> list[str]:
    """The words and marks of a text, in order."""
    found: list[str] = []
    for piece in PIECE.findall(text):
        if piece.isalnum() or len(piece) == 1:
            found.append(piece)
        else:
            _cut(piece, found)
    return found


def _cut(piece: str, found: list[str]) -> None:
    behind: list[str] = []
    while len(piece) > 1 and PERIOD.search(piece) and piece.lower() not in ABBREVIATIONS:
        piece, behind = piece[:-1], [".", *behind]
        # What stood before the period may be a mark: (word).
        stripped = PIECE.findall(piece)
        if len(stripped) > 1:
            for part in stripped:
                found.append(part) if len(part) == 1 else _cut(part, found)
            found += behind
            return
    contraction = CONTRACTION.fullmatch(piece)
    if contraction:
        piece, behind = contraction[1], [contraction[2], *behind]
    if "://" in piece or "@" in piece[1:-1]:
        found.append(piece)
    else:
        found += [part for part in INSIDE.split(piece) if part]
    found += behind
