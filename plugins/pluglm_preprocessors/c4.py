"""The rules by which the Colossal Clean Crawled Corpus was made: lines that are sentences, of pages that are prose."""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import TYPE_CHECKING

from pluglm import Dropped

if TYPE_CHECKING:
    from pluglm_preprocessors.quality import Quality

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


def kept_lines(rules: Quality, text: str) -> Iterator[str | Dropped]:
    """The lines of a page that stay, or the reason why all of it goes."""
    for line in text.splitlines():
        line = line.strip()
        words = line.split()
        if rules.max_word_length is not None and max(map(len, words), default=0) > rules.max_word_length:
            continue
        if rules.remove_citations:
            line = CITATION.sub("", line)
        if rules.terminal_punctuation and (not line.endswith(TERMINAL) or line.endswith("...")):
            continue
        if len(words) < rules.min_line_words:
            continue
        lowered = line.lower()
        if rules.lorem_ipsum and "lorem ipsum" in lowered:
            yield Dropped("lorem_ipsum")
        if rules.javascript and "javascript" in lowered:
            continue
        if rules.curly_brackets and "{" in line:
            yield Dropped("curly_bracket")
        if any(phrase in lowered for phrase in rules.policy_phrases):
            continue
        yield line


def cleaned(rules: Quality, text: str) -> tuple[str, int] | Dropped:
    """The page of the lines that stay, and how many sentences these are; or the reason why all of it goes."""
    lines, count = [], 0
    for line in kept_lines(rules, text):
        if isinstance(line, Dropped):
            return line
        lines.append(line)
        count += sentences(line)
    return "\n".join(lines).strip(), count
