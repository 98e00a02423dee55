"""Rules that tell prose from the rest of the web."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator
from functools import lru_cache
from pathlib import Path
from typing import Annotated, Any, Literal

from pydantic import Field

from pluglm import Document, Dropped, Preprocessor, Problem
from pluglm_preprocessors.c4 import cleaned
from pluglm_preprocessors.english_words import words
from pluglm_preprocessors.gopher import Verdicts, repetition_rules, word_rules
from pluglm_preprocessors.word_lists import read_words

Share = Annotated[float, Field(ge=0, le=1)]
Rules = Literal["gopher", "gopher_repetition", "c4"]


@lru_cache(maxsize=8)
def bad_words(words: tuple[str, ...], files: tuple[str, ...]) -> re.Pattern[str] | None:
    """A pattern for any of the words, between characters that belong to no word."""
    listed = sorted({word.lower() for word in (*words, *(word for path in files for word in read_words(path)))})
    return re.compile(rf"(?<!\w)(?:{'|'.join(map(re.escape, listed))})(?!\w)") if listed else None


class Quality(Preprocessor):
    """Drop documents that do not look like prose, by the rules of Gopher, and of C4 where you ask for them.

    `gopher`: too short, symbols and bullets, few function words. `gopher_repetition`: much that repeats. `c4`: lines
    that are no sentences are cut out, and what is left with too few is dropped, as is a page with a curly bracket. The
    limits are those of the papers, for English; 0 or null switches a limit off. A word is letters and digits, or a run
    of punctuation; lengths of words leave the punctuation aside.

    Sources: Rae et al. 2021, https://arxiv.org/abs/2112.11446, section A.1 and table A1; Raffel et al. 2020,
    https://arxiv.org/abs/1910.10683, section 2.2 (of its first version: 5 sentences and lines of 3 words).
    """

    rules: Annotated[tuple[Rules, ...], Field(min_length=1, description="Whose rules")] = (
        "gopher",
        "gopher_repetition",
    )
    min_words: Annotated[int, Field(ge=0, description="gopher: fewest words")] = 50
    max_words: Annotated[int | None, Field(ge=1, description="gopher: most words")] = 100_000
    min_mean_word_length: Annotated[float, Field(ge=0, description="gopher: least mean length of a word")] = 3
    max_mean_word_length: Annotated[float | None, Field(gt=0, description="gopher: greatest mean length")] = 10
    max_symbol_ratio: Annotated[float | None, Field(ge=0, description="gopher: most # or ellipses for each word")] = 0.1
    max_bullet_lines: Annotated[Share | None, Field(description="gopher: most lines that begin with a bullet")] = 0.9
    max_ellipsis_lines: Annotated[Share | None, Field(description="gopher: most lines that end with an ellipsis")] = 0.3
    min_alphabetic_words: Annotated[Share, Field(description="gopher: fewest words with a letter, as a share")] = 0.8
    min_stop_words: Annotated[int, Field(ge=0, description="gopher: fewest different words of eight stop words")] = 2
    max_repeated_lines: Annotated[
        Share | None, Field(description="gopher_repetition: most lines, and paragraphs, that repeat")
    ] = 0.3
    max_repeated_characters: Annotated[
        Share | None, Field(description="gopher_repetition: most characters in lines, and in paragraphs, that repeat")
    ] = 0.2
    terminal_punctuation: Annotated[bool, Field(description="c4: keep only lines that end as a sentence does")] = True
    min_line_words: Annotated[int, Field(ge=0, description="c4: fewest words of a line")] = 3
    max_word_length: Annotated[int | None, Field(ge=1, description="c4: longest word of a line")] = 1000
    min_sentences: Annotated[int, Field(ge=0, description="c4: fewest sentences in the lines that are left")] = 5
    javascript: Annotated[bool, Field(description="c4: cut out lines with the word JavaScript")] = True
    lorem_ipsum: Annotated[bool, Field(description="c4: drop pages with lorem ipsum")] = True
    curly_brackets: Annotated[bool, Field(description="c4: drop pages with a {")] = True
    remove_citations: Annotated[bool, Field(description="c4: cut out [1], [edit] and [citation needed]")] = True
    policy_phrases: Annotated[tuple[str, ...], Field(description="c4: cut out lines with one of these")] = (
        "terms of use",
        "privacy policy",
        "cookie policy",
        "uses cookies",
        "use of cookies",
        "use cookies",
    )
    bad_words: Annotated[tuple[str, ...], Field(description="c4: drop pages with one of these words")] = ()
    bad_word_files: Annotated[tuple[str, ...], Field(description="c4: files of such words, one on each line")] = ()

    @classmethod
    def example(cls, folder: Path) -> dict[str, Any]:
        """Rules and limits that short documents can keep."""
        return {"rules": ["gopher"], "min_words": 3, "min_stop_words": 0}

    def files_read(self) -> list[Path]:
        """Lists of words."""
        return [Path(path) for path in self.bad_word_files]

    def problems(self, run: Any) -> Iterator[Problem]:
        """A list of words that cannot be read."""
        for label, technique in run.preprocessor.items():
            for path in self.bad_word_files if technique is self else ():
                try:
                    read_words(path)
                except (OSError, ValueError) as error:
                    yield Problem(f"preprocessor.{label}.bad_word_files", f"cannot be read: {error}", path)

    def process(self, document: Document) -> Document | Dropped:
        """The document, with the lines that C4 would keep; or the first rule that it breaks."""
        text = "\n".join(str(document.get(name) or "") for name in self.fields)
        cut = words(text) if {"gopher", "gopher_repetition"} & set(self.rules) else []
        rules: dict[str, Callable[[Quality, str, list[str]], Verdicts]] = {
            "gopher": word_rules,
            "gopher_repetition": repetition_rules,
        }
        for name, rule in rules.items():
            for reason, broken in rule(self, text, cut) if name in self.rules else ():
                if broken:
                    return Dropped(reason)
        return self.as_c4(document) if "c4" in self.rules else document

    def as_c4(self, document: Document) -> Document | Dropped:
        """The document by C4's rules."""
        pattern = bad_words(self.bad_words, self.bad_word_files)
        changed: dict[str, str] = {}
        count = 0
        for name in self.fields:
            text = document.get(name)
            if not isinstance(text, str):
                continue
            found = cleaned(self, text)
            if isinstance(found, Dropped):
                return found
            if pattern and pattern.search(text.lower()):
                return Dropped("bad_word")
            changed[text], sentences = found
            count += sentences
        if count < self.min_sentences:
            return Dropped("too_few_sentences")
        return document.map_text(self.fields, lambda text: changed[text])
