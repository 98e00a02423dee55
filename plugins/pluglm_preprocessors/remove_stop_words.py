"""Removing stop words."""

from __future__ import annotations

import os
import re
import sys
from collections.abc import Iterator
from functools import cache
from pathlib import Path
from typing import Annotated, Any

from pydantic import Field, field_validator

from pluglm import Document, Dropped, Preprocessor, Problem
from pluglm_preprocessors.words.characters import category_class, highest

# A handful of function words: the list of stopwordsiso has 1,298 for English, "computer" and "system" among them.
ENGLISH = frozenset(
    "a about above after again against all am an and any are as at be because been before being below between both but "
    "by can could did do does doing down during each few for from further had has have having he her here hers herself "
    "him himself his how i if in into is it its itself just me more most my myself no nor not now of off on once only "
    "or other our ours ourselves out over own same she should so some such than that the their theirs them themselves "
    "then there these they this those through to too under until up very was we were what when where which while who "
    "whom why will with would you your yours yourself yourselves".split()
)


# Where NLTK's downloader puts its data beside the home folder (nltk.data.path), and its names of languages.
NLTK_ROOTS = (sys.prefix, "/usr", "/usr/local")
NLTK_NAMES = {
    "ar": "arabic", "az": "azerbaijani", "bn": "bengali", "ca": "catalan", "da": "danish", "de": "german",
    "el": "greek", "en": "english", "es": "spanish", "eu": "basque", "fi": "finnish", "fr": "french",
    "he": "hebrew", "hu": "hungarian", "id": "indonesian", "it": "italian", "kk": "kazakh", "ne": "nepali",
    "nl": "dutch", "no": "norwegian", "pt": "portuguese", "ro": "romanian", "ru": "russian", "sl": "slovene",
    "sq": "albanian", "sv": "swedish", "ta": "tamil", "tg": "tajik", "tr": "turkish", "zh": "chinese",
}  # fmt: skip


@cache
def word(last: int) -> re.Pattern[str]:
    """Letters, marks and digits, with apostrophes and hyphens between them, and the space behind: the a of a1 or of
    a-priori is no word. Of characters up to `last`."""
    letters = category_class("LMN", last)
    return re.compile(rf"([{letters}]+(?:['’\u2010-][{letters}]+)*) ?")


def plain(text: str) -> str:
    """Lower case, and a straight apostrophe."""
    return text.lower().replace("’", "'")


def nltk_list(language: str) -> Path | None:
    """The file of a language in NLTK's corpus of stop words, where it has been downloaded into one of the folders that
    NLTK looks in; None otherwise. NLTK itself need not be installed: its files are plain lists."""
    places = [Path(place) for place in os.environ.get("NLTK_DATA", "").split(os.pathsep) if place]
    places += [Path.home() / "nltk_data"]
    places += [Path(start) / below / "nltk_data" for start in NLTK_ROOTS for below in ("", "share", "lib")]
    files = (place / "corpora" / "stopwords" / NLTK_NAMES.get(language, "") for place in places)
    return next((file for file in files if file.is_file()), None)


@cache
def stop_words(language: str, extended: bool, nltk: bool) -> frozenset[str]:
    """The list of a language: its own short one for English, NLTK's, or that of stopwords-iso.

    Raises:
        FileNotFoundError: for NLTK's where it is not there.
    """
    if nltk:
        file = nltk_list(language)
        if file is None:
            raise FileNotFoundError(f"NLTK's list of stop words for {language!r} is not there")
        return frozenset(map(plain, file.read_text(encoding="utf-8").split()))
    if language == "en" and not extended:
        return ENGLISH
    import stopwordsiso

    return frozenset(stopwordsiso.stopwords(language))


class RemoveStopWords(Preprocessor):
    """Remove words that carry little meaning by themselves, and the space behind each.

    Sources of the lists: stopwords-iso, https://github.com/stopwords-iso/stopwords-iso; NLTK,
    https://www.nltk.org/nltk_data, which is not installed with it.
    """

    language: Annotated[str, Field(min_length=2, description="ISO 639-1 code of the language")] = "en"
    extended: Annotated[bool, Field(description="For English, the long list instead of function words")] = False
    nltk: Annotated[bool, Field(description="NLTK's list of the language, where you have downloaded it")] = False
    words: Annotated[tuple[str, ...], Field(description="Your own list, in place of the language's")] = ()
    extra: Annotated[tuple[str, ...], Field(description="Words to remove beside the list")] = ()
    keep: Annotated[tuple[str, ...], Field(description="Words of the list that stay, such as not")] = ()

    @field_validator("language")
    @classmethod
    def _must_be_code(cls, language: str) -> str:
        if language != language.lower():
            raise ValueError(f"is not an ISO 639-1 code, such as {language.lower()}")
        return language

    def files_read(self) -> list[Path]:
        """NLTK's list, where it is used."""
        file = nltk_list(self.language) if self.nltk else None
        return [file] if file is not None else []

    def problems(self, run: Any) -> Iterator[Problem]:
        """A language without a list."""
        labels = [label for label, technique in run.preprocessor.items() if technique is self and not self.words]
        if self.nltk:
            hint = "python -m nltk.downloader stopwords"
            for label in labels if nltk_list(self.language) is None else ():
                reason = f"has no file for {self.language!r} in the folders that NLTK looks in"
                yield Problem(f"preprocessor.{label}.nltk", reason, self.nltk, hint)
            return
        if self.language == "en" or not labels:
            return
        import stopwordsiso

        if not stopwordsiso.has_lang(self.language):
            known = ", ".join(sorted(stopwordsiso.langs()))
            for label in labels:
                yield Problem(f"preprocessor.{label}.language", f"has no list; known: {known}", self.language)

    def process(self, document: Document) -> Document | Dropped:
        """The document without stop words."""
        return document.map_text(self.fields, self.without_stop_words)

    def without_stop_words(self, text: str) -> str:
        """The text without them; case does not matter."""
        base = {plain(own) for own in self.words} or stop_words(self.language, self.extended, self.nltk)
        removed = (base | {plain(own) for own in self.extra}) - {plain(own) for own in self.keep}
        low = plain if "’" in text else str.lower
        return word(highest(text)).sub(lambda match: "" if low(match[1]) in removed else match[0], text)
