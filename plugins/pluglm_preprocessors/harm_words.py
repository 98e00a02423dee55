"""Listed words and phrases in a text, also where they are spelt so as not to be found."""

from __future__ import annotations

import re
from collections import defaultdict
from collections.abc import Iterator
from dataclasses import dataclass, field
from functools import cache, lru_cache

from pluglm_preprocessors.word_lists import NEUTRAL, listed_languages, read_words

# Written without spaces between words: a listed word counts wherever it stands.
UNSPACED = frozenset({"ja", "zh", "th"})
# A word, with the signs that stand for letters inside of it; a $ or @ at its ends, a * within.
TOKEN = re.compile(r"[@$]?\w(?:[\w@$*!]*[\w$])?")
LEET = str.maketrans("0134578@$!", "oleastbasi")
SIGNS = re.compile(r"[\d@$*!]")
STRETCHED = re.compile(r"([^\W\d_])\1{2,}")
SPACED = re.compile(r"(?<!\w)[^\W\d_](?:([ .\-_*])[^\W\d_](?:\1[^\W\d_])+)(?!\w)")
# Between quotation marks, on one line; an apostrophe inside a word is none.
QUOTED = re.compile(
    r"“[^”\n]{1,400}”|\"[^\"\n]{1,400}\"|«[^»\n]{1,400}»|„[^“”\n]{1,400}[“”]|(?<!\w)‘[^’\n]{1,400}’(?!\w)"
)


@dataclass(frozen=True, slots=True)
class Lexicon:
    """Words and phrases to look for.

    Attributes:
        phrases: for each first word, the words that follow it, longest first; an empty tuple stands for the word alone.
        unspaced: a pattern for those of languages that put no space between words, or None.
        by_length: the single words of each length, for those with a letter starred out.
    """

    phrases: dict[str, list[tuple[str, ...]]] = field(default_factory=dict)
    unspaced: re.Pattern[str] | None = None
    by_length: dict[int, list[str]] = field(default_factory=dict)


@lru_cache(maxsize=8)
def lexicon(
    languages: tuple[str, ...], files: tuple[str, ...], words: tuple[str, ...], allow: tuple[str, ...], neutral: bool
) -> Lexicon:
    """The lists of the languages and files and the words, without those allowed and, unless `neutral`, without names of
    groups, medical terms and everyday words."""
    spared = {word.lower() for word in allow} | (frozenset() if neutral else NEUTRAL)
    known = listed_languages()
    spaced = {word.lower() for word in words}
    unspaced: set[str] = set()
    for language in languages:
        (unspaced if language in UNSPACED else spaced).update(read_words(str(known[language])))
    for path in files:
        spaced |= read_words(path)
    phrases: defaultdict[str, list[tuple[str, ...]]] = defaultdict(list)
    by_length: defaultdict[int, list[str]] = defaultdict(list)
    for entry in sorted(spaced - spared):
        first, *rest = TOKEN.findall(entry) or [""]
        if first:
            phrases[first].append(tuple(rest))
            if not rest and first.isalpha():
                by_length[len(first)].append(first)
    for followers in phrases.values():
        followers.sort(key=len, reverse=True)
    pattern = "|".join(re.escape(word) for word in sorted(unspaced - spared, key=lambda word: (-len(word), word)))
    return Lexicon(dict(phrases), re.compile(pattern) if pattern else None, dict(by_length))


@cache
def starred(word: str) -> re.Pattern[str]:
    """The words that a word with stars in place of letters may be."""
    return re.compile("".join("." if letter == "*" else re.escape(letter) for letter in word))


def spellings(word: str, lexicon: Lexicon, tricks: frozenset[str]) -> Iterator[str]:
    """What a word in lower case may be meant to say, itself first."""
    yield word
    if "leet" in tricks and SIGNS.search(word) and not word.isnumeric():
        if "*" in word:
            # One letter at least at each end, or a row of stars would be anything.
            pattern = starred(word)
            yield from (w for w in lexicon.by_length.get(len(word), ()) if pattern.fullmatch(w))
        elif any(map(str.isalpha, word)):
            plain = word.translate(LEET)
            yield plain
            word = plain
    if "stretched" in tricks and STRETCHED.search(word):
        yield STRETCHED.sub(r"\1\1", word)
        yield STRETCHED.sub(r"\1", word)


def spans(text: str, lexicon: Lexicon, tricks: frozenset[str], quoted: bool) -> Iterator[tuple[int, int, str]]:
    """(start, end, listed word or phrase) of all that is found, in the order of the text and without overlap; what
    stands between quotation marks only if `quoted`."""
    lowered = text.lower()
    if len(lowered) != len(text):
        # A few capitals become two characters; offsets must be those of the text.
        lowered = "".join(low if len(low := letter.lower()) == 1 else letter for letter in text)
    outside = [] if quoted else [match.span() for match in QUOTED.finditer(text)]
    found = sorted(_all_spans(lowered, lexicon, tricks), key=lambda span: (span[0], -span[1]))
    last = 0
    for start, end, entry in found:
        if start >= last and not any(a <= start < b for a, b in outside):
            yield start, end, entry
            last = end


def _all_spans(lowered: str, lexicon: Lexicon, tricks: frozenset[str]) -> Iterator[tuple[int, int, str]]:
    if lexicon.unspaced:
        yield from ((*match.span(), match[0]) for match in lexicon.unspaced.finditer(lowered))
    if "spaced" in tricks:
        for match in SPACED.finditer(lowered):
            joined = re.sub(r"[\W_]", "", match[0])
            if () in lexicon.phrases.get(joined, ()):
                yield *match.span(), joined
    tokens = list(TOKEN.finditer(lowered))
    for number, token in enumerate(tokens):
        for spelling in spellings(token[0], lexicon, tricks):
            for rest in lexicon.phrases.get(spelling, ()):
                following = tokens[number + 1 : number + 1 + len(rest)]
                if tuple(other[0] for other in following) == rest:
                    end = following[-1].end() if following else token.end()
                    yield token.start(), end, " ".join((spelling, *rest))
                    break
            else:
                continue
            break


def may_have_any(text: str, lexicon: Lexicon, tricks: frozenset[str]) -> bool:
    """Whether a close look is worth it: False for most texts, in a tenth of the time."""
    if lexicon.unspaced and lexicon.unspaced.search(text.lower()):
        return True
    lowered = text.lower()
    if not lexicon.phrases.keys().isdisjoint(re.findall(r"\w+", lowered)):
        return True
    if "leet" in tricks and re.search(r"[a-z][\d@$*!]+[a-z]|[\d@$][a-z]|[a-z]\$|[a-z]\d", lowered):
        return True
    if "stretched" in tricks and STRETCHED.search(lowered):
        return True
    return "spaced" in tricks and SPACED.search(lowered) is not None
