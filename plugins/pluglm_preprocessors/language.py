"""Languages of documents."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from functools import cache
from typing import Annotated, Any, Literal

from pydantic import Field, field_validator

from pluglm import Document, Dropped, Preprocessor, Problem


@cache
def identifier() -> Any:
    """py3langid's model, with probabilities."""
    from py3langid.langid import MODEL_FILE, LanguageIdentifier

    return LanguageIdentifier.from_model_file(MODEL_FILE, norm_probs=True)


class Language(Preprocessor):
    """Keep documents of the languages you want, by their text; or only note the language of each.

    The language goes into the metadata as `language`, with `language_probability`. Short texts are guesses: those below
    `min_probability` count as `unsure`.

    Source: Lui and Baldwin 2012, "langid.py", https://aclanthology.org/P12-3005, in its version py3langid.
    """

    requires = {"py3langid": "pluglm[data]"}

    languages: Annotated[tuple[str, ...], Field(min_length=1, description="ISO 639-1 codes of those to keep")] = ("en",)
    min_probability: Annotated[float, Field(ge=0, le=1, description="How sure of it one must be")] = 0.5
    action: Annotated[Literal["drop", "tag"], Field(description="Drop other languages, or only note them")] = "drop"
    max_characters: Annotated[int, Field(ge=20, description="How much of a text is looked at")] = 10_000

    @field_validator("languages")
    @classmethod
    def _must_be_codes(cls, languages: tuple[str, ...]) -> tuple[str, ...]:
        wrong = [code for code in languages if not (len(code) == 2 and code.isalpha() and code.islower())]
        if wrong:
            raise ValueError(f"{wrong[0]!r} is not an ISO 639-1 code, such as en")
        return languages

    def problems(self, run: Any) -> Iterator[Problem]:
        """A language that the model does not know."""
        if self.missing():
            return
        unknown = [code for code in self.languages if code not in identifier().labels]
        for label, technique in run.preprocessor.items():
            if technique is self and unknown:
                yield Problem(f"preprocessor.{label}.languages", "has no model", ", ".join(unknown))

    def process(self, document: Document) -> Document | Dropped:
        """The document with its language, or `other_language` or `unsure`."""
        text = " ".join(str(document.get(name) or "") for name in self.fields)[: self.max_characters]
        code, probability = identifier().classify(text)
        found = {"language": str(code), "language_probability": round(float(probability), 4)}
        tagged = replace(document, metadata=document.metadata | found)
        if self.action == "tag":
            return tagged
        if probability < self.min_probability:
            return Dropped("unsure")
        return tagged if code in self.languages else Dropped("other_language")
