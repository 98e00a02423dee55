"""The rules of Gopher that tell prose from the rest of the web."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Annotated, Any, Literal

from pydantic import Field

from pluglm import Document, Dropped, Preprocessor
from pluglm_preprocessors.words.english_words import words
from pluglm_preprocessors.words.repetition import most_frequent_ngram, repeated, repeated_ngrams

STOP_WORDS = frozenset({"the", "be", "to", "of", "and", "that", "have", "with"})
BULLETS = ("•", "-")
ELLIPSES = ("...", "…")

Share = Annotated[float, Field(ge=0, le=1)]
Shares = Mapping[Annotated[int, Field(ge=1)], Share | None]
Verdicts = Iterator[tuple[str, bool]]
"""(code of a rule, whether it is broken), in the order in which it is cheapest to find out"""


class Gopher(Preprocessor):
    """Drop documents that do not look like prose, by the rules of Gopher.

    `words`: too short, symbols and bullets, few function words. `repetition`: lines, paragraphs and n-grams that
    repeat. The limits are those of the paper, for English; 0 or null switches a limit off. A word is letters and
    digits, or a run of punctuation; lengths of words leave the punctuation aside.

    Source: Rae et al. 2021, https://arxiv.org/abs/2112.11446, section A.1 and table A1
    """

    rules: Annotated[
        tuple[Literal["words", "repetition"], ...], Field(min_length=1, description="Which rules apply")
    ] = ("words", "repetition")
    min_words: Annotated[int, Field(ge=0, description="Fewest words")] = 50
    max_words: Annotated[int | None, Field(ge=1, description="Most words")] = 100_000
    min_mean_word_length: Annotated[float, Field(ge=0, description="Least mean length of a word")] = 3
    max_mean_word_length: Annotated[float | None, Field(gt=0, description="Greatest mean length of a word")] = 10
    max_symbol_ratio: Annotated[float | None, Field(ge=0, description="Most # or ellipses for each word")] = 0.1
    max_bullet_lines: Annotated[Share | None, Field(description="Most lines that begin with a bullet")] = 0.9
    max_ellipsis_lines: Annotated[Share | None, Field(description="Most lines that end with an ellipsis")] = 0.3
    min_alphabetic_words: Annotated[Share, Field(description="Fewest words with a letter, as a share")] = 0.8
    min_stop_words: Annotated[int, Field(ge=0, description="Fewest different words of eight stop words")] = 2
    max_repeated_lines: Annotated[
        Share | None, Field(description="Most lines, and most paragraphs, that repeat, as a share")
    ] = 0.3
    max_repeated_characters: Annotated[
        Share | None, Field(description="Most characters in lines, and in paragraphs, that repeat, as a share")
    ] = 0.2
    max_top_ngrams: Annotated[
        Shares, Field(description="By n: most characters in the most frequent n-gram, as a share")
    ] = {2: 0.20, 3: 0.18, 4: 0.16}
    max_repeated_ngrams: Annotated[
        Shares, Field(description="By n: most characters in n-grams that repeat, as a share")
    ] = {5: 0.15, 6: 0.14, 7: 0.13, 8: 0.12, 9: 0.11, 10: 0.10}

    @classmethod
    def example(cls, folder: Path) -> dict[str, Any]:
        """Rules and limits that short documents can keep."""
        return {"rules": ["words"], "min_words": 3, "min_stop_words": 0}

    def process(self, document: Document) -> Document | Dropped:
        """The document, or the first rule that it breaks."""
        text = "\n".join(str(document.get(name) or "") for name in self.fields)
        cut = words(text)
        for name, verdicts in (("words", self._word_rules), ("repetition", self._repetition_rules)):
            for reason, broken in verdicts(text, cut) if name in self.rules else ():
                if broken:
                    return Dropped(reason)
        return document

    def _word_rules(self, text: str, words: list[str]) -> Verdicts:
        """Number and length of words, symbols, letters and stop words (section A.1 of the paper)."""
        spoken = [word for word in words if len(word) > 1 or word.isalnum()]
        yield "too_few_words", len(spoken) < max(1, self.min_words)
        yield "too_many_words", self.max_words is not None and len(spoken) > self.max_words
        mean = sum(map(len, spoken)) / len(spoken)
        yield "short_words", mean < self.min_mean_word_length
        yield "long_words", self.max_mean_word_length is not None and mean > self.max_mean_word_length
        if self.max_symbol_ratio is not None:
            yield "hashes", text.count("#") / len(words) > self.max_symbol_ratio
            yield "ellipses", sum(map(text.count, ELLIPSES)) / len(words) > self.max_symbol_ratio
        lines = text.splitlines()
        if self.max_bullet_lines is not None:
            share = sum(line.lstrip().startswith(BULLETS) for line in lines) / len(lines)
            yield "bullets", share > self.max_bullet_lines
        if self.max_ellipsis_lines is not None:
            share = sum(line.rstrip().endswith(ELLIPSES) for line in lines) / len(lines)
            yield "ellipsis_lines", share > self.max_ellipsis_lines
        alphabetic = sum(word.isalpha() or any(map(str.isalpha, word)) for word in words) / len(words)
        yield "few_letters", alphabetic < self.min_alphabetic_words
        yield "few_stop_words", len(STOP_WORDS.intersection(words)) < self.min_stop_words

    def _repetition_rules(self, text: str, words: list[str]) -> Verdicts:
        """Repeated lines, paragraphs and runs of words (table A1 of the paper)."""
        yield "empty", not text
        for name, pieces in (("paragraphs", re.split(r"\n{2,}", text.strip())), ("lines", re.split(r"\n+", text))):
            count, characters = repeated(pieces)
            if self.max_repeated_lines is not None:
                yield f"repeated_{name}", count / len(pieces) > self.max_repeated_lines
            if self.max_repeated_characters is not None:
                yield f"repeated_{name}_characters", characters / len(text) > self.max_repeated_characters
        for size, most in limits_of(self.max_top_ngrams):
            yield f"top_{size}_gram", most_frequent_ngram(words, size) / len(text) > most
        limits = limits_of(self.max_repeated_ngrams)
        found = repeated_ngrams(words, [size for size, _ in limits])
        for (size, most), characters in zip(limits, found, strict=True):
            yield f"repeated_{size}_grams", characters / len(text) > most


def limits_of(shares: Shares) -> list[tuple[int, float]]:
    """The limits that are not off, in ascending order of n."""
    return sorted((size, most) for size, most in shares.items() if most is not None)
