"""Back-translation."""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from pathlib import Path
from random import Random
from typing import TYPE_CHECKING, Annotated, Any

from pydantic import Field, model_validator

from pluglm import Augmenter, Document, encode_text, own_special_tokens
from pluglm_augmenters.decoding import Decoding, write
from pluglm_augmenters.local_models import SEQ2SEQ, folder_problems, load, longest_input, save_small_model
from pluglm_augmenters.made_by import made_by, with_text

if TYPE_CHECKING:
    from transformers import PreTrainedTokenizerFast

    from pluglm import Problem, RunConfig

# The end of a sentence, a line or a paragraph: what stands between segments is kept as it is.
BETWEEN = re.compile(r"(?<=[.!?\u2026])[\"'\u201d\u2019)]*\s+(?=[^\sa-z])|\s*\n\s*")

FEW_TOKENS = 16
"""Characters that a token has at most, as a rule."""


def segments(text: str) -> list[tuple[str, bool]]:
    """The text in pieces that join to it again, and whether each is a sentence (to be translated) or stands between."""
    found: list[tuple[str, bool]] = []
    start = 0
    for gap in BETWEEN.finditer(text):
        space = gap.start() + len(gap.group()) - len(gap.group().lstrip("\"'\u201d\u2019)"))
        found += [(text[start:space], True), (text[space : gap.end()], False)]
        start = gap.end()
    found.append((text[start:], True))
    return [(piece, sentence and any(map(str.isalpha, piece))) for piece, sentence in found if piece]


def shortened(sentence: str, tokenizer: PreTrainedTokenizerFast, most: int) -> list[str]:
    """A sentence of more than `most` tokens in parts that have no more and join to it again, cut before white space
    where there is any."""
    parts: list[str] = []
    start = 0
    while True:
        size = FEW_TOKENS * most
        while True:
            # Not all that is left: a line of megabytes would be encoded once for each of its parts.
            left = sentence[start : start + size]
            encoded = tokenizer(left, add_special_tokens=False, return_offsets_mapping=True, verbose=False)
            offsets = encoded["offset_mapping"]
            if len(offsets) > most or start + size >= len(sentence):
                break
            size *= 2
        if len(offsets) <= most:
            return [*parts, left]
        end = offsets[most - 1][1] or 1
        space = max((found.start() for found in re.finditer(r"\s+", left[:end])), default=0)
        parts.append(left[: space or end])
        start += space or end


class BackTranslation(Augmenter):
    """Translate into another language and back: the same said in other words.

    Any two models of `transformers` that write one text for another serve: runs of objective=translation, or folders of
    Marian, T5, BART and their like. Texts are translated sentence by sentence; white space between sentences stays. A
    temperature, or beams, decide how far the way back leads away: the likeliest translation is the nearest, drawing
    gives the greatest variety (Edunov et al. 2018).

    Sources: Sennrich et al. 2016, https://arxiv.org/abs/1511.06709; Edunov et al. 2018,
    https://arxiv.org/abs/1808.09381
    """

    forward: Annotated[Path, Field(description="Folder of the model that translates into the other language")]
    backward: Annotated[Path, Field(description="Folder of the model that translates back")]
    temperature: Annotated[float, Field(ge=0, description="0 takes the likeliest token, 1 draws as the model says")] = (
        0.0
    )
    top_k: Annotated[int, Field(ge=0, description="Draw among this many likeliest tokens; 0 for all")] = 20
    beams: Annotated[int, Field(ge=1, description="Beam search with this many beams; 1 for none")] = 1
    max_tokens: Annotated[int, Field(ge=4, description="Longer sentences are translated in parts")] = 128
    batch_size: Annotated[int, Field(ge=1, description="Sentences translated together; changes no result")] = 32

    @model_validator(mode="after")
    def _beams_or_draws(self) -> BackTranslation:
        if self.beams > 1 and self.temperature > 0:
            raise ValueError("beams are for temperature 0: leave beams at 1 to draw")
        return self

    @classmethod
    def example(cls, folder: Path) -> dict[str, Any]:
        """Two small models in `folder`."""
        model = save_small_model(folder / "model", SEQ2SEQ)
        return {"forward": model, "backward": model, "max_tokens": 12}

    def problems(self, run: RunConfig) -> Iterator[Problem]:
        """Both folders must hold a model that writes one text for another."""
        for label, technique in run.augmenter.items():
            if technique is self:
                yield from folder_problems(self.forward, SEQ2SEQ, f"augmenter.{label}.forward")
                yield from folder_problems(self.backward, SEQ2SEQ, f"augmenter.{label}.backward")

    def augment(self, document: Document, random: Random) -> Document | None:
        """A copy translated there and back, or None where that gives the same."""
        return self.augment_batch([document], [random])[0]

    def augment_batch(self, documents: Sequence[Document], randoms: Sequence[Random]) -> list[Document | None]:
        """The sentences of all documents are translated together."""
        places: list[tuple[int, str]] = []
        pieces: list[list[tuple[str, bool]]] = []
        sentences: list[str] = []
        seeds: list[tuple[int, int]] = []
        for number, (document, random) in enumerate(zip(documents, randoms, strict=True)):
            for name in self.fields:
                value = document.get(name)
                if not isinstance(value, str) or not value.strip():
                    continue
                places.append((number, name))
                pieces.append(segments(value))
                for piece, sentence in pieces[-1]:
                    if sentence:
                        sentences.append(piece)
                        seeds.append((random.getrandbits(63), random.getrandbits(63)))
        there = self._translated(self.forward, sentences, [seed for seed, _ in seeds])
        back = iter(self._translated(self.backward, there, [seed for _, seed in seeds]))
        changed = list(documents)
        for (number, name), parts in zip(places, pieces, strict=True):
            text = "".join(next(back) if sentence else piece for piece, sentence in parts)
            if text.strip():
                changed[number] = with_text(changed[number], name, text)
        how = {"forward": str(self.forward), "backward": str(self.backward)}
        return [made_by(self.name, before, after, **how) for before, after in zip(documents, changed, strict=True)]

    def _translated(self, path: Path, sentences: Sequence[str], seeds: Sequence[int]) -> list[str]:
        if not sentences:
            return []
        model, tokenizer = load(path, SEQ2SEQ)
        most = min(self.max_tokens, longest_input(model, self.max_tokens)) - 2
        parts = [shortened(sentence, tokenizer, most) for sentence in sentences]
        rows = [_ended_ids(part, tokenizer) for sentence in parts for part in sentence]
        # No translation is three times as long; one that does not end by then goes round in circles.
        limits = [min(3 * len(row) + 8, longest_input(model, 1024) - 1) for row in rows]
        each = [seed + place for sentence, seed in zip(parts, seeds, strict=True) for place in range(len(sentence))]
        decoding = Decoding(self.temperature, self.top_k, self.beams)
        written = iter(write(model, rows, limits, each, decoding, self.batch_size))
        found = []
        for sentence in parts:
            texts = [tokenizer.decode(next(written).ids, skip_special_tokens=True).strip() for _ in sentence]
            found.append(" ".join(text for text in texts if text))
        return found


def _ended_ids(text: str, tokenizer: PreTrainedTokenizerFast) -> list[int]:
    """As the objective `translation` and the models of `transformers` have it: with the token that ends a text."""
    ids = own_special_tokens(tokenizer).around(encode_text(text, tokenizer))
    end = next((i for i in (tokenizer.eos_token_id, tokenizer.sep_token_id) if i is not None), None)
    return ids if end is None or ids[-1:] == [end] else [*ids, end]
