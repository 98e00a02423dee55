"""The nearest of the known names to a word that is none of them."""

from __future__ import annotations

import difflib
import unicodedata
from collections.abc import Iterable

CUTOFF = 0.6
LATIN = dict(
    zip(
        "аеорсухіјѕԁһԛԝкмтвнгпАВЕКМНОРСТУХІЈЅаοανικρτυγΑΒΕΖΗΙΚΜΝΟΡΤΥΧıł–—‐‑−",
        "aeopcyxijsdhqwkmtbhrnABEKMHOPCTYXIJSaoavikptuyABEZHIKMNOPTYXil-----",
        strict=True,
    )
)
"""Letters of other alphabets, and dashes, by the ASCII character that they look like."""


def folded(word: str) -> str:
    """`word` without what is easily mistyped: case, accents, look-alike letters, `-` for `_`, invisible characters."""
    letters = unicodedata.normalize("NFKD", "".join(LATIN.get(letter, letter) for letter in word))
    kept = (letter for letter in letters if unicodedata.category(letter) not in ("Mn", "Cf"))
    return "".join(kept).casefold().replace("-", "_").replace(" ", "_")


def squeezed(word: str) -> str:
    """`folded`, and without `_`: `batchSize` is `batch_size`."""
    return folded(word).replace("_", "")


def nearest_name(word: str, known: Iterable[str], cutoff: float = CUTOFF) -> str | None:
    """The nearest of `known`, or None where none is near."""
    choices = sorted(set(known))
    by_letters: dict[str, str] = {}
    for choice in choices:
        by_letters.setdefault(squeezed(choice), choice)
    if squeezed(word) in by_letters:
        return by_letters[squeezed(word)]
    close = difflib.get_close_matches(word, choices, n=1, cutoff=cutoff)
    close = close or [
        by_letters[found] for found in difflib.get_close_matches(squeezed(word), by_letters, n=1, cutoff=cutoff)
    ]
    return close[0] if close else None


def nearest(word: str, known: Iterable[str]) -> str:
    """`; did you mean 'x'?` for the nearest of `known`, else `; known: ...`."""
    choices = sorted(set(known))
    close = nearest_name(word, choices)
    if close is None:
        return f"; known: {', '.join(choices) or 'none'}" + look_alikes(word)
    return f"; did you mean {close!r}?" + look_alikes(word)


def look_alikes(word: str) -> str:
    """` ('а' is CYRILLIC SMALL LETTER A)` for letters of `word` that look like those of ASCII and are not."""
    strange = dict.fromkeys(
        letter for letter in word if not letter.isascii() and (letter in LATIN or unicodedata.category(letter) == "Cf")
    )
    said = [f"{letter!r} is {unicodedata.name(letter, f'U+{ord(letter):04X}')}" for letter in strange]
    return f" ({', '.join(said)})" if said else ""
