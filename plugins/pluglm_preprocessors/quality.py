"""Rules that tell prose from the rest of the web."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Callable, Iterator, Sequence
from typing import Annotated

from pydantic import Field

from pluglm import Document, Dropped, Preprocessor

WORD = re.compile(r"\w+(?:['’-]\w+)*|[^\w\s]+")
STOP_WORDS = frozenset({"the", "be", "to", "of", "and", "that", "have", "with"})
BULLETS = ("•", "-")
ELLIPSES = ("...", "…")
TOP_NGRAMS = ((2, 0.20), (3, 0.18), (4, 0.16))
REPEATED_NGRAMS = ((5, 0.15), (6, 0.14), (7, 0.13), (8, 0.12), (9, 0.11), (10, 0.10))

Share = Annotated[float, Field(ge=0, le=1)]


def repeated(pieces: Sequence[str]) -> tuple[int, int]:
    """How many of the pieces have come before, and of how many characters these are."""
    seen: set[str] = set()
    count = characters = 0
    for piece in pieces:
        if piece in seen:
            count, characters = count + 1, characters + len(piece)
        seen.add(piece)
    return count, characters


def most_frequent_ngram(words: Sequence[str], size: int) -> int:
    """Characters of the most frequent n-gram, times how often it stands there; 0 where none comes twice."""
    grams = Counter(" ".join(words[start : start + size]) for start in range(len(words) - size + 1))
    gram, count = grams.most_common(1)[0] if grams else ("", 0)
    return len(gram) * count if count > 1 else 0


def repeated_ngrams(words: Sequence[str], size: int) -> int:
    """Characters of n-grams that have come before, each word counted once."""
    seen: set[tuple[str, ...]] = set()
    characters = start = 0
    while start + size <= len(words):
        gram = tuple(words[start : start + size])
        if gram in seen:
            characters += sum(map(len, gram))
            start += size
        else:
            seen.add(gram)
            start += 1
    return characters


class Quality(Preprocessor):
    """Drop documents that do not look like prose: too short, symbols and bullets, few function words, much repeated.

    The rules and their limits are those of Gopher, for English; 0 or null switches a limit off. A word is letters and
    digits, or a run of punctuation; lengths of words leave the punctuation aside.

    Source: Rae et al. 2021, https://arxiv.org/abs/2112.11446, section A.1 and table A1.
    """

    min_words: Annotated[int, Field(ge=0, description="Fewest words")] = 50
    max_words: Annotated[int | None, Field(ge=1, description="Most words")] = 100_000
    min_mean_word_length: Annotated[float, Field(ge=0, description="Least mean length of a word")] = 3
    max_mean_word_length: Annotated[float | None, Field(gt=0, description="Greatest mean length of a word")] = 10
    max_symbol_ratio: Annotated[float | None, Field(ge=0, description="Most # or ellipses for each word")] = 0.1
    max_bullet_lines: Annotated[Share | None, Field(description="Most lines that begin with a bullet")] = 0.9
    max_ellipsis_lines: Annotated[Share | None, Field(description="Most lines that end with an ellipsis")] = 0.3
    min_alphabetic_words: Annotated[Share, Field(description="Fewest words with a letter in them, as a share")] = 0.8
    min_stop_words: Annotated[int, Field(ge=0, description="Fewest different words of the eight stop words")] = 2
    max_repeated_lines: Annotated[Share | None, Field(description="Most lines, and paragraphs, that repeat")] = 0.3
    max_repeated_characters: Annotated[
        Share | None, Field(description="Most characters in lines, and in paragraphs, that repeat")
    ] = 0.2
    repetition: Annotated[bool, Field(description="Whether repeated runs of 2 to 10 words count too (table A1)")] = True

    def process(self, document: Document) -> Document | Dropped:
        """The document as it is, or the first rule that it breaks."""
        text = "\n".join(str(document.get(name) or "") for name in self.fields)
        words = WORD.findall(text)
        rules: tuple[Callable[[str, list[str]], Iterator[tuple[str, bool]]], ...] = (self._words, self._lines)
        for rule in (*rules, self._repetition) if self.repetition else rules:
            for reason, broken in rule(text, words):
                if broken:
                    return Dropped(reason)
        return document

    def _words(self, text: str, words: list[str]) -> Iterator[tuple[str, bool]]:
        spoken = [word for word in words if word[0].isalnum() or word[0] == "_"]
        yield "too_few_words", len(spoken) < max(1, self.min_words)
        yield "too_many_words", self.max_words is not None and len(spoken) > self.max_words
        mean = sum(map(len, spoken)) / len(spoken)
        yield "short_words", mean < self.min_mean_word_length
        yield "long_words", self.max_mean_word_length is not None and mean > self.max_mean_word_length
        if self.max_symbol_ratio is not None:
            yield "hashes", text.count("#") / len(words) > self.max_symbol_ratio
            yield "ellipses", sum(map(text.count, ELLIPSES)) / len(words) > self.max_symbol_ratio
        alphabetic = sum(any(character.isalpha() for character in word) for word in words) / len(words)
        yield "few_letters", alphabetic < self.min_alphabetic_words
        yield "few_stop_words", len(STOP_WORDS.intersection(words)) < self.min_stop_words

    def _lines(self, text: str, words: list[str]) -> Iterator[tuple[str, bool]]:
        lines = text.splitlines()
        if self.max_bullet_lines is not None:
            share = sum(line.lstrip().startswith(BULLETS) for line in lines) / len(lines)
            yield "bullets", share > self.max_bullet_lines
        if self.max_ellipsis_lines is not None:
            share = sum(line.rstrip().endswith(ELLIPSES) for line in lines) / len(lines)
            yield "ellipsis_lines", share > self.max_ellipsis_lines
        for name, pieces in (("paragraphs", re.split(r"\n{2,}", text.strip())), ("lines", re.split(r"\n+", text))):
            count, characters = repeated(pieces)
            if self.max_repeated_lines is not None:
                yield f"repeated_{name}", count / len(pieces) > self.max_repeated_lines
            if self.max_repeated_characters is not None:
                yield f"repeated_{name}_characters", characters / len(text) > self.max_repeated_characters

    def _repetition(self, text: str, words: list[str]) -> Iterator[tuple[str, bool]]:
        for size, most in TOP_NGRAMS:
            yield f"top_{size}_gram", most_frequent_ngram(words, size) / len(text) > most
        for size, most in REPEATED_NGRAMS:
            yield f"repeated_{size}_grams", repeated_ngrams(words, size) / len(text) > most
