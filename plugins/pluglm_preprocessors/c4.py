"""The rules by which the Colossal Clean Crawled Corpus was made: lines that are sentences, of pages that are prose."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator
from functools import lru_cache
from pathlib import Path
from typing import Annotated, Any

from pydantic import Field

from pluglm import Document, Dropped, Preprocessor, Problem
from pluglm_preprocessors.unwanted.word_lists import read_words

CITATION = re.compile(r"\[\d*]|\[edit]|\[citation needed]")
TERMINAL = (".", "?", "!", '"', "'")
SENTENCE_END = re.compile(r"(?<!\.)[.?!。？！][\"'”’)\]»]*(?=\s)")
# A period behind these ends no sentence.
ABBREVIATION = re.compile(
    r"(?:^|[^\w.])(?:[A-Za-z]|(?:[A-Za-z]\.)+[A-Za-z]|Mr|Mrs|Ms|Dr|Prof|St|Jr|Sr|vs|etc|cf|approx|Vol|Fig|Gen|Rev"
    r"|Inc|Ltd|Co|Corp|Jan|Feb|Mar|Apr|Jun|Jul|Aug|Sep|Sept|Oct|Nov|Dec)$"
)


def sentences(line: str) -> int:
    """How many sentences a line has; one without an end is one."""
    ends = [
        match.end()
        for match in SENTENCE_END.finditer(line)
        if match[0][0] != "." or not ABBREVIATION.search(line, max(0, match.start() - 20), match.start())
    ]
    return len(ends) + 1 if line.strip() else 0


@lru_cache(maxsize=8)
def bad_words(words: tuple[str, ...], files: tuple[str, ...]) -> re.Pattern[str] | None:
    """A pattern for any of the words, between characters that belong to no word."""
    listed = sorted({word.lower() for word in (*words, *(word for path in files for word in read_words(path)))})
    return re.compile(rf"(?<!\w)(?:{'|'.join(map(re.escape, listed))})(?!\w)") if listed else None


def unreadable_lists(run: Any, technique: Preprocessor, paths: Iterable[str]) -> Iterator[Problem]:
    """A problem for each list of bad words that cannot be read."""
    for label, chosen in run.preprocessor.items():
        for path in paths if chosen is technique else ():
            try:
                read_words(path)
            except (OSError, ValueError) as error:
                yield Problem(f"preprocessor.{label}.bad_word_files", f"cannot be read: {error}", path)


class C4(Preprocessor):
    """Cut lines that are no sentences out of pages, and drop pages with too few left, by the rules of C4.

    A page with a curly bracket, lorem ipsum or a listed bad word is dropped whole. The limits are those of the paper's
    first version, for English; 0, null, false or [] switches a rule off.

    Source: Raffel et al. 2020, https://arxiv.org/abs/1910.10683, section 2.2 (of its first version: 5 sentences and
    lines of 3 words)
    """

    terminal_punctuation: Annotated[bool, Field(description="Keep only lines that end as a sentence does")] = True
    min_line_words: Annotated[int, Field(ge=0, description="Fewest words of a line")] = 3
    max_word_length: Annotated[int | None, Field(ge=1, description="Longest word of a line")] = 1000
    min_sentences: Annotated[int, Field(ge=0, description="Fewest sentences in the lines that are left")] = 5
    javascript: Annotated[bool, Field(description="Cut out lines with the word JavaScript")] = True
    lorem_ipsum: Annotated[bool, Field(description="Drop pages with lorem ipsum")] = True
    curly_brackets: Annotated[bool, Field(description="Drop pages with a {")] = True
    remove_citations: Annotated[bool, Field(description="Cut out [1], [edit] and [citation needed]")] = True
    policy_phrases: Annotated[tuple[str, ...], Field(description="Cut out lines with one of these")] = (
        "terms of use",
        "privacy policy",
        "cookie policy",
        "uses cookies",
        "use of cookies",
        "use cookies",
    )
    bad_words: Annotated[tuple[str, ...], Field(description="Drop pages with one of these words")] = ()
    bad_word_files: Annotated[tuple[str, ...], Field(description="Files of such words, one on each line")] = ()

    @classmethod
    def example(cls, folder: Path) -> dict[str, Any]:
        """Limits that short documents can keep."""
        return {"terminal_punctuation": False, "min_line_words": 1, "min_sentences": 1}

    def files_read(self) -> list[Path]:
        """Lists of words."""
        return [Path(path) for path in self.bad_word_files]

    def problems(self, run: Any) -> Iterator[Problem]:
        """A list of words that cannot be read."""
        return unreadable_lists(run, self, self.bad_word_files)

    def process(self, document: Document) -> Document | Dropped:
        """The document with the lines that stay, or the reason why all of it goes."""
        pattern = bad_words(self.bad_words, self.bad_word_files)
        changed: dict[str, str] = {}
        count = 0
        for name in self.fields:
            text = document.get(name)
            if not isinstance(text, str):
                continue
            kept: list[str] = []
            for line in self._lines(text):
                if isinstance(line, Dropped):
                    return line
                kept.append(line)
                count += sentences(line)
            if pattern and pattern.search(text.lower()):
                return Dropped("bad_word")
            changed[text] = "\n".join(kept).strip()
        if count < self.min_sentences:
            return Dropped("too_few_sentences")
        return document.map_text(self.fields, lambda text: changed[text])

    def _lines(self, text: str) -> Iterator[str | Dropped]:
        """The lines of a page that stay, or the reason why all of it goes."""
        for line in text.splitlines():
            line = line.strip()
            words = line.split()
            if self.max_word_length is not None and max(map(len, words), default=0) > self.max_word_length:
                continue
            if self.remove_citations:
                line = CITATION.sub("", line)
            if self.terminal_punctuation and (not line.endswith(TERMINAL) or line.endswith("...")):
                continue
            if len(words) < self.min_line_words:
                continue
            lowered = line.lower()
            if self.lorem_ipsum and "lorem ipsum" in lowered:
                yield Dropped("lorem_ipsum")
            if self.javascript and "javascript" in lowered:
                continue
            if self.curly_brackets and "{" in line:
                yield Dropped("curly_bracket")
            if any(phrase in lowered for phrase in self.policy_phrases):
                continue
            yield line
