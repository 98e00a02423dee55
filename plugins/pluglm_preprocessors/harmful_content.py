"""Texts with abuse, obscenity and the like."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from typing import Annotated, Any, Literal

from pydantic import Field, model_validator

from pluglm import Document, Dropped, Preprocessor, Problem
from pluglm_preprocessors.unwanted.harm_classifier import check, classifier
from pluglm_preprocessors.unwanted.harm_words import lexicon, quotations, spans
from pluglm_preprocessors.unwanted.word_lists import listed_languages, read_words

Trick = Literal["leet", "stretched", "spaced"]
LANGUAGES = ("ar", "az", "de", "en", "es", "fa", "fr", "hi", "ja", "ko", "pt", "ru", "tr", "zh")
MOST_NAMED = 10


class HarmfulContent(Preprocessor):
    """Drop, mask or mark documents with abuse and obscenity, by lists of words, a classifier, or both.

    By words, the score is the share of words that are listed; whole words count, so that Scunthorpe and Essex do not,
    and the names of groups, medical terms and words of everyday that such lists hold do not count either, unless
    `neutral`. By classifier, it is a probability, of a model learnt from a file that you label; none comes with pluglm,
    because those that are published are pickles. Kept documents in which something is found carry `harmful_score`,
    `harmful_words` and `harmful_spared`, which are listed words that were let pass.

    Source of the lists: safetext, https://github.com/viddexa/safetext.
    """

    method: Annotated[
        Literal["words", "classifier", "either", "both"], Field(description="What decides; both: only if they agree")
    ] = "words"
    languages: Annotated[tuple[str, ...], Field(description="ISO 639-1 codes of the lists to use")] = ("en",)
    words: Annotated[tuple[str, ...], Field(description="Words and phrases to look for beside the lists")] = ()
    word_files: Annotated[tuple[str, ...], Field(description="Files of such words, one on each line")] = ()
    allow: Annotated[tuple[str, ...], Field(description="Listed words that do not count")] = ()
    neutral: Annotated[
        bool, Field(description="Count listed names of groups, medical terms and words of everyday too")
    ] = False
    obfuscation: Annotated[
        tuple[Trick, ...],
        Field(description="Spellings to see through: leet (w0rd, w*rd), stretched (wooord), spaced (w o r d)"),
    ] = ("leet", "stretched", "spaced")
    quoted: Annotated[bool, Field(description="Count what stands between quotation marks")] = True
    threshold: Annotated[float, Field(ge=0, le=1, description="Share of listed words from which it is harmful")] = 0.005
    classifier: Annotated[
        str | None, Field(description="JSON lines with text and label (1: harmful) to learn from, or a saved model")
    ] = None
    min_probability: Annotated[
        float, Field(ge=0, le=1, description="Probability by the classifier from which it is harmful")
    ] = 0.5
    action: Annotated[
        Literal["drop", "mask", "tag"],
        Field(description="Drop the document, put a mask in place of its words, or only note the score"),
    ] = "drop"
    mask: Annotated[str, Field(description="What stands in place of a word")] = "<harmful>"

    @model_validator(mode="after")
    def _classifier_where_it_decides(self) -> HarmfulContent:
        if self.method != "words" and self.classifier is None:
            raise ValueError(f"method={self.method} needs classifier, a labelled file or a saved model")
        return self

    def files_read(self) -> list[Path]:
        """Lists of words, and what the classifier is learnt from."""
        return [Path(path) for path in (*self.word_files, *([self.classifier] if self.classifier else []))]

    def problems(self, run: Any) -> Iterator[Problem]:
        """A language without a list, and files that cannot be read."""
        for label, technique in run.preprocessor.items():
            if technique is not self:
                continue
            at = f"preprocessor.{label}"
            for code in self.languages if self.method != "classifier" else ():
                if code not in LANGUAGES:
                    yield Problem(f"{at}.languages", f"has no list; known: {', '.join(LANGUAGES)}", code)
                elif code not in listed_languages():
                    hint = "pip install 'pluglm[languages]', or languages=[] with lists of your own in word_files"
                    yield Problem(f"{at}.languages", "the lists come with safetext, which is not installed", code, hint)
            for path in self.word_files:
                try:
                    read_words(path)
                except (OSError, ValueError) as error:
                    yield Problem(f"{at}.word_files", f"cannot be read: {error}", path)
            if self.classifier is None:
                continue
            if not Path(self.classifier).is_file():
                yield Problem(f"{at}.classifier", "is not a file", self.classifier)
                continue
            try:
                check(Path(self.classifier))
            except (OSError, ValueError) as error:
                yield Problem(f"{at}.classifier", f"cannot be used: {error}", self.classifier)

    def process(self, document: Document) -> Document | Dropped:
        """The document, masked or marked where something is found, or `harmful_content`."""
        share, found, spared = self.listed(document) if self.method != "classifier" else (0.0, [], [])
        by_words = bool(found) and share >= self.threshold
        probability = None
        if self.classifier is not None and self.method != "words" and (by_words or self.method != "both"):
            model = classifier(self.classifier)
            probability = model.score("\n".join(str(document.get(name) or "") for name in self.fields))
        by_classifier = probability is not None and probability >= self.min_probability
        harmful = {
            "words": by_words,
            "classifier": by_classifier,
            "either": by_words or by_classifier,
            "both": by_words and by_classifier,
        }[self.method]
        if harmful and self.action == "drop":
            return Dropped("harmful_content", ", ".join(sorted(set(found))[:MOST_NAMED]))
        if harmful and self.action == "mask":
            document = document.map_text(self.fields, self.masked)
        if not found and not spared and (probability is None or (not harmful and self.action != "tag")):
            return document
        notes: dict[str, Any] = {"harmful": harmful, "harmful_score": round(share, 6)}
        if probability is not None:
            notes["harmful_probability"] = round(probability, 4)
        for name, entries in (("harmful_words", found), ("harmful_spared", spared)):
            if entries:
                notes[name] = sorted(set(entries))[:MOST_NAMED]
        return replace(document, metadata=document.metadata | notes)

    def spans(self, text: str) -> Iterator[tuple[int, int, str, bool]]:
        """(start, end, listed word, whether it counts) of each listed word or phrase."""
        known = lexicon(self.languages, self.word_files, self.words, self.allow, self.neutral)
        quoted: list[tuple[int, int]] | None = [] if self.quoted else None
        for start, end, entry in spans(text, known, frozenset(self.obfuscation)):
            quoted = quotations(text) if quoted is None else quoted
            counts = entry not in known.spared and not any(a <= start < b for a, b in quoted)
            yield start, end, entry, counts

    def listed(self, document: Document) -> tuple[float, list[str], list[str]]:
        """(share of words that are listed and count, those, listed words that do not count)."""
        texts = [text for name in self.fields if isinstance(text := document.get(name), str)]
        every = [(entry, counts) for text in texts for _, _, entry, counts in self.spans(text)]
        if not every:
            return 0.0, [], []
        found = [entry for entry, counts in every if counts]
        words = sum(len(text.split()) for text in texts)
        share = sum(entry.count(" ") + 1 for entry in found) / max(1, words)
        return min(1.0, share), found, [entry for entry, counts in every if not counts]

    def masked(self, text: str) -> str:
        """The text with a mask in place of each listed word that counts."""
        parts, last = [], 0
        for start, end, _, counts in self.spans(text):
            if counts:
                parts += [text[last:start], self.mask]
                last = end
        return "".join([*parts, text[last:]])
