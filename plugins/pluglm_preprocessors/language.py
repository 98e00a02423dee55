"""Languages of documents."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from functools import cache
from importlib.util import find_spec
from typing import Annotated, Any, Literal

from pydantic import Field, field_validator

from pluglm import Document, Dropped, Preprocessor, Problem


@cache
def identifier() -> Any:
    """py3langid's model, with probabilities."""
    from py3langid.langid import MODEL_FILE, LanguageIdentifier

    return LanguageIdentifier.from_model_file(MODEL_FILE, norm_probs=True)


@cache
def lingua(candidates: tuple[str, ...]) -> Any:
    """lingua's detector for these languages, or all of its 75."""
    from lingua import IsoCode639_1, LanguageDetectorBuilder

    codes = [getattr(IsoCode639_1, code.upper()) for code in candidates]
    builder = LanguageDetectorBuilder
    return (builder.from_iso_codes_639_1(*codes) if codes else builder.from_all_languages()).build()


def by_py3langid(text: str) -> tuple[str, float]:
    """The likeliest language and its probability; `und` (ISO 639-2) where the text has no letters."""
    if not any(map(str.isalpha, text)):
        return "und", 0.0
    code, probability = identifier().classify(text)
    return str(code), float(probability)


def by_lingua(text: str, candidates: tuple[str, ...]) -> tuple[str, float]:
    """The likeliest language and its probability; `und` (ISO 639-2) where the text has no letters."""
    if not any(map(str.isalpha, text)):
        return "und", 0.0
    best = lingua(candidates).compute_language_confidence_values(text)[0]
    return best.language.iso_code_639_1.name.lower(), float(best.value)


def known_languages(model: str) -> frozenset[str]:
    """The codes that a model tells apart."""
    if model == "py3langid":
        return frozenset(map(str, identifier().labels))
    from lingua import Language as Known

    return frozenset(language.iso_code_639_1.name.lower() for language in Known.all())


class Language(Preprocessor):
    """Keep documents of the languages you want, by their text; or only note the language of each.

    The language goes into the metadata as `language`, with `language_probability`. Short texts are guesses: those below
    `min_probability` count as `unsure`.

    py3langid is fast and small; lingua is surer of short texts and of languages that are close to each other, takes up
    to 1 GB of memory, and is slower.

    Sources: Lui and Baldwin 2012, "langid.py", https://aclanthology.org/P12-3005, in its version py3langid; lingua,
    https://github.com/pemistahl/lingua-rs.
    """

    requires = {"py3langid": "pluglm[data]"}

    model: Annotated[Literal["py3langid", "lingua"], Field(description="What tells the language")] = "py3langid"
    languages: Annotated[tuple[str, ...], Field(min_length=1, description="ISO 639-1 codes of those to keep")] = ("en",)
    candidates: Annotated[
        tuple[str, ...], Field(description="lingua: languages that occur at all; fewer take less memory; none: all 75")
    ] = ()
    min_probability: Annotated[float, Field(ge=0, le=1, description="How sure of it one must be")] = 0.5
    action: Annotated[Literal["drop", "tag"], Field(description="Drop other languages, or only note them")] = "drop"
    max_characters: Annotated[int, Field(ge=20, description="How much of a text is looked at")] = 10_000

    @field_validator("languages", "candidates")
    @classmethod
    def _must_be_codes(cls, languages: tuple[str, ...]) -> tuple[str, ...]:
        wrong = [code for code in languages if not (len(code) == 2 and code.isalpha() and code.islower())]
        if wrong:
            raise ValueError(f"{wrong[0]!r} is not an ISO 639-1 code, such as en")
        return languages

    def problems(self, run: Any) -> Iterator[Problem]:
        """A language that the model does not know, and lingua where it is not installed."""
        if self.missing():
            return
        labels = [label for label, technique in run.preprocessor.items() if technique is self]
        if self.model == "lingua" and find_spec("lingua") is None:
            for label in labels:
                hint = "pip install 'pluglm[languages]'"
                yield Problem(f"preprocessor.{label}.model", "is not installed", self.model, hint)
            return
        for label in labels if self.candidates and self.model != "lingua" else ():
            yield Problem(f"preprocessor.{label}.candidates", "are for model=lingua", ", ".join(self.candidates))
        if self.candidates and self.action == "drop" and not set(self.languages) & set(self.candidates):
            for label in labels:
                reason = "has none of candidates, so that nothing would be kept"
                yield Problem(f"preprocessor.{label}.languages", reason, ", ".join(self.languages))
        for name in ("languages", "candidates"):
            unknown = sorted(set(getattr(self, name)) - known_languages(self.model))
            for label in labels if unknown else ():
                yield Problem(f"preprocessor.{label}.{name}", "has no model", ", ".join(unknown))
        if len(self.candidates) == 1:
            for label in labels:
                yield Problem(f"preprocessor.{label}.candidates", "needs two to choose between", self.candidates[0])

    def process(self, document: Document) -> Document | Dropped:
        """The document with its language, or `other_language` or `unsure`."""
        text = " ".join(str(document.get(name) or "") for name in self.fields)[: self.max_characters]
        code, probability = by_lingua(text, self.candidates) if self.model == "lingua" else by_py3langid(text)
        found = {"language": code, "language_probability": round(probability, 4)}
        tagged = replace(document, metadata=document.metadata | found)
        if self.action == "tag":
            return tagged
        if probability < self.min_probability:
            return Dropped("unsure")
        return tagged if code in self.languages else Dropped("other_language")
