"""Listed words and phrases in a text, also where they are spelt so as not to be found."""

from __future__ import annotations

import re
from collections import defaultdict
from collections.abc import Iterator
from dataclasses import dataclass
from functools import lru_cache

from pluglm_preprocessors.unwanted.word_lists import NEUTRAL, listed_languages, read_words

# Written without spaces between words: a listed word counts wherever it stands, if it is of their own letters and has
# more than one. A single one is part of many words.
UNSPACED = frozenset({"ja", "zh", "th"})
# A word, with the signs that stand for letters inside of it; a $ or @ at its ends, a * within.
TOKEN = re.compile(r"[@$]?\w(?:[\w@$*!]*[\w$])?")
LEET = str.maketrans("0134578@$!", "oieastbasi")
ONE_AS_L = str.maketrans("0134578@$!", "oleastbasi")
ENTRY = re.compile(r"[\w@$*!]+(?:[ '’.-]+[\w@$*!]+)*")
STRETCHED = re.compile(r"([^\W\d_])\1{2,}")
SPACED = re.compile(r"(?<!\w)[^\W\d_](?:([ .\-_*])[^\W\d_](?:\1[^\W\d_])+)(?!\w)")
# A quick look for the like, by what cannot be missing from it.
SINGLE = re.compile(r"[ .\-_*]\w[ .\-_*]\w(?!\w)")
# Between quotation marks, on one line; an apostrophe inside a word is none.
QUOTED = re.compile(
    r"“[^”\n]{1,400}”|\"[^\"\n]{1,400}\"|«[^»\n]{1,400}»|„[^“”\n]{1,400}[“”]|(?<!\w)‘[^’\n]{1,400}’(?!\w)"
)


@dataclass(frozen=True, eq=False, slots=True)
class Lexicon:
    """Words and phrases to look for.

    Attributes:
        phrases: for each first word, the words that follow it, longest first; an empty tuple stands for the word alone.
        spared: those of the entries that do not count.
        unspaced: a pattern for the entries of languages that put no space between words, or None.
        by_length: the single words of each length, for those with a letter starred out.
    """

    phrases: dict[str, list[tuple[str, ...]]]
    spared: frozenset[str]
    unspaced: re.Pattern[str] | None
    by_length: dict[int, list[str]]


def latin(word: str) -> bool:
    """Whether a word is written in letters that are put into words between spaces."""
    return all(character < "\u0250" for character in word)


@lru_cache(maxsize=8)
def lexicon(
    languages: tuple[str, ...], files: tuple[str, ...], words: tuple[str, ...], allow: tuple[str, ...], neutral: bool
) -> Lexicon:
    """The lists of the languages and files and the words. What is allowed does not count, nor do, unless `neutral`,
    names of groups, medical terms and everyday words, where they come from the lists of languages."""
    known = listed_languages()
    own = {word.lower() for word in words}.union(*map(read_words, files))
    lists = {language: read_words(str(known[language])) for language in languages}
    spared = {word.lower() for word in allow} | (frozenset() if neutral else NEUTRAL - own)
    phrases: defaultdict[str, list[tuple[str, ...]]] = defaultdict(list)
    by_length: defaultdict[int, list[str]] = defaultdict(list)
    anywhere = {
        word for language in UNSPACED & lists.keys() for word in lists[language] if len(word) > 1 and not latin(word)
    }
    spaced = own.union(*(words for language, words in lists.items() if language not in UNSPACED))
    spaced |= {word for language in UNSPACED & lists.keys() for word in lists[language] if latin(word)}
    for entry in sorted(spaced):
        # Lists hold spellings with other signs too (s&m); cut at these they would be something else.
        if len(entry) < 3 or not ENTRY.fullmatch(entry):
            continue
        first, *rest = TOKEN.findall(entry)
        phrases[first].append(tuple(rest))
        if not rest and first.isalpha():
            by_length[len(first)].append(first)
    for followers in phrases.values():
        followers.sort(key=len, reverse=True)
    pattern = "|".join(re.escape(word) for word in sorted(anywhere, key=lambda word: (-len(word), word)))
    return Lexicon(dict(phrases), frozenset(spared), re.compile(pattern) if pattern else None, dict(by_length))


@lru_cache(maxsize=4096)
def starred(word: str) -> re.Pattern[str]:
    """The words that a word with stars in place of letters may be."""
    return re.compile("".join("." if letter == "*" else re.escape(letter) for letter in word))


def spellings(word: str, lexicon: Lexicon, tricks: frozenset[str]) -> Iterator[str]:
    """What a word in lower case may be meant to say, itself first."""
    yield word
    if word.isalpha() and not STRETCHED.search(word):
        return
    if "leet" in tricks and "*" in word:
        # Two letters at least, or a row of stars would be anything.
        if sum(map(str.isalpha, word)) > 1:
            yield from (known for known in lexicon.by_length.get(len(word), ()) if starred(word).fullmatch(known))
    elif "leet" in tricks and any(map(str.isalpha, word)):
        if "1" in word:
            yield word.translate(ONE_AS_L)
        word = word.translate(LEET)
        yield word
    if "stretched" in tricks and STRETCHED.search(word):
        yield STRETCHED.sub(r"\1\1", word)
        yield STRETCHED.sub(r"\1", word)


def quotations(text: str) -> list[tuple[int, int]]:
    """Where text stands between quotation marks."""
    return [match.span() for match in QUOTED.finditer(text)]


def spans(text: str, lexicon: Lexicon, tricks: frozenset[str]) -> Iterator[tuple[int, int, str]]:
    """(start, end, listed word or phrase) of all that is found, in the order of the text and without overlap."""
    lowered = text.lower()
    if len(lowered) != len(text):
        # A few capitals become two characters; offsets must be those of the text.
        lowered = "".join(low if len(low := letter.lower()) == 1 else letter for letter in text)
    last = 0
    for start, end, entry in sorted(_all_spans(lowered, lexicon, tricks), key=lambda span: (span[0], -span[1])):
        if start >= last:
            yield start, end, entry
            last = end


def _all_spans(lowered: str, lexicon: Lexicon, tricks: frozenset[str]) -> Iterator[tuple[int, int, str]]:
    if lexicon.unspaced:
        yield from ((*match.span(), match[0]) for match in lexicon.unspaced.finditer(lowered))
    if "spaced" in tricks and SINGLE.search(lowered):
        for match in SPACED.finditer(lowered):
            joined = match[0][::2]
            # An article or "I" before it is a single letter as well.
            for start in (0, 1) if joined[0] in "ai" else (0,):
                if () in lexicon.phrases.get(joined[start:], ()):
                    yield match.start() + 2 * start, match.end(), joined[start:]
    words = TOKEN.findall(lowered)
    used = set(words)
    meant = {word: [word] for word in used & lexicon.phrases.keys()}
    stretched = "stretched" in tricks and STRETCHED.search("\n".join(used)) is not None
    for word in used if tricks else ():
        if not word.isalpha() or (stretched and STRETCHED.search(word)):
            listed = [spelling for spelling in spellings(word, lexicon, tricks) if spelling in lexicon.phrases]
            if listed:
                meant[word] = listed
    # Most begin a phrase whose other words are not in the text.
    complete = {
        word: listed
        for word, listed in meant.items()
        if any(used.issuperset(rest) for spelling in listed for rest in lexicon.phrases[spelling])
    }
    starts = [number for number, word in enumerate(words) if word in complete] if complete else []
    found = []
    for number in starts:
        for spelling in complete[words[number]]:
            rest = _longest(lexicon.phrases[spelling], words[number + 1 : number + 8])
            if rest is not None:
                found.append((number, number + len(rest), " ".join((spelling, *rest))))
                break
    if found:
        places = [match.span() for match in TOKEN.finditer(lowered)]
        yield from ((places[first][0], places[last][1], entry) for first, last, entry in found)


def _longest(phrases: list[tuple[str, ...]], following: list[str]) -> tuple[str, ...] | None:
    words = tuple(following)
    return next((rest for rest in phrases if words[: len(rest)] == rest), None)
