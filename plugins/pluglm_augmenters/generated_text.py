"""Texts that another model writes."""

from __future__ import annotations

import math
import re
from collections.abc import Iterator, Sequence
from pathlib import Path
from random import Random
from typing import TYPE_CHECKING, Annotated, Any

from pydantic import Field, model_validator

from pluglm import Augmenter, Document, encode_text, own_special_tokens
from pluglm_augmenters.decoding import Decoding, write
from pluglm_augmenters.local_models import CAUSAL, folder_problems, load, longest_input, save_small_model
from pluglm_augmenters.made_by import made_by, with_text

if TYPE_CHECKING:
    from pluglm import Problem, RunConfig

PLACE = re.compile(r"\{(\w+)\}")


def filled(template: str, document: Document, text: str, words: int) -> str:
    """The template with {start} (the first `words` words of `text`, as they are written) and {text}, and any other
    {name} by the document's field of that name; a name that the document does not have becomes nothing."""
    start = re.match(rf"\s*(?:\S+\s+){{0,{words - 1}}}\S+", text) if words else None
    known = {"text": text, "start": start.group() if start else ""}

    def value(place: re.Match[str]) -> str:
        name = place.group(1)
        return known[name] if name in known else str(document.fields.get(name, ""))

    return PLACE.sub(value, template)


def novelty(text: str, known: str, n: int) -> float:
    """The share of the n-grams of words of `text` that are new: neither in `known` nor earlier in the text itself.
    Copying and going round in circles both lower it; a text of fewer than n words counts as one n-gram."""

    def grams(source: str) -> list[tuple[str, ...]]:
        words = source.casefold().split()
        return [tuple(words[place : place + n]) for place in range(max(1, len(words) - n + 1))] if words else []

    own = grams(text)
    return len(set(own) - set(grams(known))) / len(own) if own else 0.0


class GeneratedText(Augmenter):
    """Let another causal model write a text, given the beginning of the document or a prompt about it.

    Of up to `tries` texts the first is taken that the model does not find too unlikely (perplexity) and that is new
    enough beside the document; where none is, there is no copy. Fields such as the label stay as they are, so a prompt
    should name what they depend on: `prompt="A {label} review: {start}"`.

    Sources: Kumar et al. 2020, https://arxiv.org/abs/2003.02245; the share of new n-grams is distinct-n of Li et al.
    2016, https://arxiv.org/abs/1510.03055, with those of the document taken as seen.
    """

    model: Annotated[Path, Field(description="Folder of the causal model")]
    prompt: Annotated[
        str, Field(min_length=1, description="What it goes on from: {start}, {text}, or {name} for a field")
    ] = "{start}"
    start_words: Annotated[int, Field(ge=0, description="Words of the document in {start}")] = 8
    keep_prompt: Annotated[bool, Field(description="Whether the prompt is part of the new text")] = True
    max_new_tokens: Annotated[int, Field(ge=1, description="Tokens written at most")] = 100
    temperature: Annotated[float, Field(ge=0, description="0 takes the likeliest token, 1 draws as the model says")] = (
        0.9
    )
    top_k: Annotated[int, Field(ge=0, description="Draw among this many likeliest tokens; 0 for all")] = 50
    tries: Annotated[int, Field(ge=1, description="Texts written for each copy until one will do")] = 3
    max_perplexity: Annotated[
        float | None, Field(gt=1, description="Texts the model itself finds less likely than this are left; null: none")
    ] = 100.0
    min_novelty: Annotated[float, Field(ge=0, le=1, description="Least share of n-grams that are new")] = 0.5
    ngram: Annotated[int, Field(ge=1, description="Words in an n-gram")] = 3
    batch_size: Annotated[int, Field(ge=1, description="Texts written together; changes no result")] = 16

    @model_validator(mode="after")
    def _tries_differ(self) -> GeneratedText:
        if self.tries > 1 and self.temperature == 0:
            raise ValueError("at temperature 0 every try gives the same text: set tries to 1")
        return self

    @classmethod
    def example(cls, folder: Path) -> dict[str, Any]:
        """A small model in `folder`."""
        model = save_small_model(folder / "model", CAUSAL)
        return {"model": model, "max_new_tokens": 8, "tries": 1, "max_perplexity": None}

    def problems(self, run: RunConfig) -> Iterator[Problem]:
        """The folder must hold a causal model."""
        for label, technique in run.augmenter.items():
            if technique is self:
                yield from folder_problems(self.model, CAUSAL, f"augmenter.{label}.model")

    def augment(self, document: Document, random: Random) -> Document | None:
        """A copy with a new text, or None where none was good enough."""
        return self.augment_batch([document], [random])[0]

    def augment_batch(self, documents: Sequence[Document], randoms: Sequence[Random]) -> list[Document | None]:
        """The texts of all documents are written together, try by try."""
        seeds = [
            {name: [random.getrandbits(63) for _ in range(self.tries)] for name in self.fields} for random in randoms
        ]
        waiting = [
            (number, name)
            for number, document in enumerate(documents)
            for name in self.fields
            if isinstance(document.get(name), str) and document.get(name).strip()
        ]
        changed = list(documents)
        for attempt in range(self.tries):
            if not waiting:
                break
            prompts = [filled(self.prompt, documents[i], documents[i].get(n), self.start_words) for i, n in waiting]
            texts = self._written(prompts, [seeds[i][n][attempt] for i, n in waiting])
            left = []
            for (number, name), prompt, text in zip(waiting, prompts, texts, strict=True):
                if text is None or novelty(text, documents[number].get(name), self.ngram) < self.min_novelty:
                    left.append((number, name))
                    continue
                changed[number] = with_text(changed[number], name, prompt + text if self.keep_prompt else text.strip())
            waiting = left
        how = {"model": str(self.model), "prompt": self.prompt}
        return [made_by(self.name, before, after, **how) for before, after in zip(documents, changed, strict=True)]

    def _written(self, prompts: Sequence[str], seeds: Sequence[int]) -> list[str | None]:
        """What the model writes behind each prompt, or None where it is empty or too unlikely."""
        model, tokenizer = load(self.model, CAUSAL)
        longest = longest_input(model, 2048)
        new = min(self.max_new_tokens, longest // 2)
        start, end = own_special_tokens(tokenizer).start, tokenizer.eos_token_id
        room = longest - new - len(start)
        rows = []
        for prompt in prompts:
            ids = [*start, *encode_text(prompt, tokenizer)[-room:]]
            # In training, a document without a token that begins it stands behind the end of another.
            rows.append(ids or [end if end is not None else 0])
        decoding = Decoding(self.temperature, self.top_k)
        found = write(model, rows, [new] * len(rows), list(seeds), decoding, self.batch_size)
        limit = math.inf if self.max_perplexity is None else math.log(self.max_perplexity)
        texts = []
        for row, written in zip(rows, found, strict=True):
            # Decoded behind its prompt, since some vocabularies write a space only between words.
            before = tokenizer.decode(row, skip_special_tokens=True)
            whole = tokenizer.decode([*row, *written.ids], skip_special_tokens=True)
            text = whole[len(before) :].rstrip("\ufffd")  # a character that was cut in its middle
            texts.append(text if text.strip() and written.nats <= limit else None)
        return texts
