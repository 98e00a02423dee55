"""Rules that tell prose from the rest of the web."""

from __future__ import annotations

from collections.abc import Iterator
from functools import lru_cache
from pathlib import Path
from typing import Annotated, Any, Literal

from pydantic import Field

from pluglm import Document, Dropped, Preprocessor, Problem
from pluglm_preprocessors.c4 import C4, unreadable_lists
from pluglm_preprocessors.gopher import Gopher

Share = Annotated[float, Field(ge=0, le=1)]
Rules = Literal["gopher", "gopher_repetition", "c4"]


class Quality(Preprocessor):
    """Drop documents that do not look like prose, by the rules of Gopher, and of C4 where you ask for them.

    `gopher`: too short, symbols and bullets, few function words. `gopher_repetition`: much that repeats. `c4`: lines
    that are no sentences are cut out, and what is left with too few is dropped, as is a page with a curly bracket. The
    limits are those of the papers, for English; 0 or null switches a limit off. A word is letters and digits, or a run
    of punctuation; lengths of words leave the punctuation aside.

    Sources: Rae et al. 2021, https://arxiv.org/abs/2112.11446, section A.1 and table A1; Raffel et al. 2020,
    https://arxiv.org/abs/1910.10683, section 2.2 (of its first version: 5 sentences and lines of 3 words).
    """

    deprecated = "use gopher and c4"

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
        return unreadable_lists(run, self, self.bad_word_files)

    def process(self, document: Document) -> Document | Dropped:
        """The document, with the lines that C4 would keep; or the first rule that it breaks."""
        outcome: Document | Dropped = document
        for technique in techniques_of(self):
            if isinstance(outcome, Dropped):
                break
            outcome = technique.process(outcome)
        return outcome


@lru_cache(maxsize=8)
def techniques_of(quality: Quality) -> tuple[Preprocessor, ...]:
    """`Gopher` and `C4` as far as the rules ask for them, with the same limits."""
    own = {name: getattr(quality, name) for name in type(quality).model_fields if name != "rules"}
    gopher = {name: value for name, value in own.items() if name in Gopher.model_fields}
    asked = {"gopher": "words", "gopher_repetition": "repetition"}
    if rules := [name for rule, name in asked.items() if rule in quality.rules]:
        first: tuple[Preprocessor, ...] = (Gopher.model_validate({**gopher, "rules": rules}),)
    else:
        first = ()
    if "c4" not in quality.rules:
        return first
    return (*first, C4.model_validate({name: value for name, value in own.items() if name in C4.model_fields}))
