"""Words that a masked model puts in the place of others."""

from __future__ import annotations

import functools
import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from random import Random
from typing import TYPE_CHECKING, Annotated, Any

from pydantic import Field

from pluglm import Augmenter, Document, SpecialTokens, own_special_tokens
from pluglm_augmenters.decoding import Decoding, draws
from pluglm_augmenters.local_models import MASKED, folder_problems, load, longest_input, save_small_model
from pluglm_augmenters.made_by import made_by, with_text
from pluglm_augmenters.words import as_written, change_count

if TYPE_CHECKING:
    import torch
    from transformers import PreTrainedModel, PreTrainedTokenizerFast

    from pluglm import Problem, RunConfig

WORD = re.compile(r"[^\W\d_]{2,}")
SPACE = ("\u0120", "\u2581")
"""How vocabularies over bytes, and those of SentencePiece, write the space before a word."""


@dataclass(frozen=True, slots=True)
class Window:
    """A part of a text as the model reads it: `ids` with a mask for each word that is replaced; `places` of the masks
    in it; `spans` of the words in the text; `seeds` for each."""

    ids: list[int]
    places: list[int]
    spans: list[tuple[int, int]]
    seeds: list[int]


@functools.cache
def whole_words(path: Path) -> tuple[torch.Tensor, torch.Tensor]:
    """(vocabulary,) bools: which tokens of the model at `path` are whole words behind a space, and at another place."""
    import torch

    _, tokenizer = load(path, MASKED)
    tokens = tokenizer.convert_ids_to_tokens(range(len(tokenizer)))
    special = set(tokenizer.all_special_tokens)
    spaced = [token[:1] in SPACE and bool(WORD.fullmatch(token[1:])) for token in tokens]
    words = {token[1:] for token, whole in zip(tokens, spaced, strict=True) if whole}
    # Without a space before it, `ing` is a piece and `show` a word: the latter is there with a space too.
    bare = [token in words for token in tokens]
    if not words:  # a vocabulary without marks has the same tokens everywhere
        spaced = bare = [token not in special and bool(WORD.fullmatch(token)) for token in tokens]
    return torch.tensor(spaced), torch.tensor(bare)


def windows(
    text: str, spans: Sequence[tuple[int, int]], seeds: Sequence[int], tokenizer: PreTrainedTokenizerFast, longest: int
) -> list[Window]:
    """The text in parts of at most `longest` tokens, the tokens of each word in `spans` replaced by one mask."""
    encoded = tokenizer(
        text, add_special_tokens=False, return_offsets_mapping=True, split_special_tokens=True, verbose=False
    )
    start = next((i for i in (tokenizer.cls_token_id, tokenizer.bos_token_id) if i is not None), None)
    end = next((i for i in (tokenizer.eos_token_id, tokenizer.sep_token_id) if i is not None), None)
    special = own_special_tokens(tokenizer)
    special = special or SpecialTokens(*(tuple(i for i in (one,) if i is not None) for one in (start, end)))
    before, after = list(special.start), list(special.end)
    room = longest - len(before) - len(after)
    found: list[Window] = []
    window = Window([*before], [], [], [])
    word, masked = 0, -1
    for token, (a, b) in zip(encoded["input_ids"], encoded["offset_mapping"], strict=True):
        while word < len(spans) and spans[word][1] <= a:
            word += 1
        inside = word < len(spans) and a < spans[word][1] and b > spans[word][0]
        if inside and masked == word:
            continue  # a further piece of a word that its mask already stands for
        if len(window.ids) - len(before) >= room:
            found.append(window)
            window = Window([*before], [], [], [])
        if inside:
            masked = word
            window.places.append(len(window.ids))
            window.spans.append(spans[word])
            window.seeds.append(seeds[word])
        window.ids.append(tokenizer.mask_token_id if inside else token)
    for part in (*found, window):
        part.ids.extend(after)
    return [part for part in (*found, window) if part.places]


class MaskedReplacement(Augmenter):
    """Hide n = alpha * l words of a text of l words, and let a masked model say what else could stand there.

    Each hidden word becomes one whole word of the model's vocabulary, drawn among the `top_k` likeliest at its place,
    never the word that stood there; it is written with the capitals of the one it replaces. What the model finds likely
    need not mean the same: for classification, keep alpha low or look at some (`pluglm prepare --inspect`).

    Sources: Kobayashi 2018, https://arxiv.org/abs/1805.06201; Wu et al. 2019, https://arxiv.org/abs/1812.06705
    """

    model: Annotated[Path, Field(description="Folder of the masked model")]
    alpha: Annotated[float, Field(gt=0, le=1, description="Share of words that are replaced")] = 0.15
    top_k: Annotated[int, Field(ge=1, description="Draw among this many likeliest words")] = 10
    temperature: Annotated[float, Field(gt=0, description="Below 1 the likeliest are drawn more often")] = 1.0
    batch_size: Annotated[int, Field(ge=1, description="Parts of texts read together; changes no result")] = 32

    @classmethod
    def example(cls, folder: Path) -> dict[str, Any]:
        """A small model in `folder`."""
        return {"model": save_small_model(folder / "model", MASKED)}

    def problems(self, run: RunConfig) -> Iterator[Problem]:
        """The folder must hold a masked model."""
        for label, technique in run.augmenter.items():
            if technique is self:
                yield from folder_problems(self.model, MASKED, f"augmenter.{label}.model")

    def augment(self, document: Document, random: Random) -> Document | None:
        """A copy with words replaced, or None where there is none to replace."""
        return self.augment_batch([document], [random])[0]

    def augment_batch(self, documents: Sequence[Document], randoms: Sequence[Random]) -> list[Document | None]:
        """The texts of all documents are read together."""
        model, tokenizer = load(self.model, MASKED)
        parts: list[tuple[tuple[int, str], str, Window]] = []
        for number, (document, random) in enumerate(zip(documents, randoms, strict=True)):
            for name in self.fields:
                text = document.get(name)
                words = [found.span() for found in WORD.finditer(text)] if isinstance(text, str) else []
                if not words:
                    continue
                chosen = sorted(random.sample(words, change_count(self.alpha, len(words))))
                seeds = [random.getrandbits(63) for _ in chosen]
                longest = longest_input(model, 512)
                parts += [((number, name), text, w) for w in windows(text, chosen, seeds, tokenizer, longest)]
        words_by_place: dict[tuple[int, str], list[tuple[tuple[int, int], str]]] = {}
        for (place, _, window), found in zip(parts, self._filled(model, tokenizer, parts), strict=True):
            words_by_place.setdefault(place, []).extend(zip(window.spans, found, strict=True))
        changed = list(documents)
        for (number, name), replaced in words_by_place.items():
            text = documents[number].get(name)
            for (a, b), word in reversed(replaced):
                text = text[:a] + as_written(word, like=text[a:b]) + text[b:]
            changed[number] = with_text(changed[number], name, text)
        how = {"model": str(self.model)}
        return [made_by(self.name, before, after, **how) for before, after in zip(documents, changed, strict=True)]

    def _filled(
        self,
        model: PreTrainedModel,
        tokenizer: PreTrainedTokenizerFast,
        parts: Sequence[tuple[tuple[int, str], str, Window]],
    ) -> list[list[str]]:
        """For each window the words for its masks. Windows of like length are read together; one whose picks were not
        clear is read again, alone (see `decoding`)."""
        import torch

        found: list[list[str] | None] = [None] * len(parts)
        order = sorted(range(len(parts)), key=lambda number: len(parts[number][2].ids))
        with torch.inference_mode():
            for start in range(0, len(order), self.batch_size):
                picked = order[start : start + self.batch_size]
                logits = _logits(model, [parts[number][2].ids for number in picked])
                for row, number in enumerate(picked):
                    _, text, window = parts[number]
                    words, clear = self._words(logits[row], text, window, tokenizer)
                    if not clear and len(picked) > 1:
                        words, _ = self._words(_logits(model, [window.ids])[0], text, window, tokenizer)
                    found[number] = words
        return [words or [] for words in found]

    def _words(
        self, logits: torch.Tensor, text: str, window: Window, tokenizer: PreTrainedTokenizerFast
    ) -> tuple[list[str], bool]:
        import torch

        spaced, bare = whole_words(self.model)
        rows = logits[window.places][:, : len(spaced)].float().clone()
        for row, (a, b) in zip(rows, window.spans, strict=True):
            allowed = spaced if a and text[a - 1] == " " else bare
            row.masked_fill_(~(allowed if allowed.any() else spaced), -torch.inf)
            word = text[a:b]
            same = {form for w in (word, word.lower(), word.capitalize()) for form in (w, SPACE[0] + w, SPACE[1] + w)}
            known = tokenizer.convert_tokens_to_ids(sorted(same))
            row[[i for i in known if i is not None and i < len(row)]] = -torch.inf
        generators = [torch.Generator().manual_seed(seed) for seed in window.seeds]
        scores, clear = draws(rows, generators, Decoding(self.temperature, self.top_k))
        tokens = tokenizer.convert_ids_to_tokens(scores.argmax(dim=1).tolist())
        # Where no whole word is left to draw, the word stays.
        words = [
            token.lstrip("".join(SPACE)) if best > -torch.inf else text[a:b]
            for token, best, (a, b) in zip(tokens, scores.amax(dim=1).tolist(), window.spans, strict=True)
        ]
        return words, bool(clear.all())


def _logits(model: PreTrainedModel, rows: Sequence[Sequence[int]]) -> torch.Tensor:
    import torch

    longest = max(map(len, rows))
    pad = model.config.pad_token_id or 0
    ids = torch.tensor([[*row, *[pad] * (longest - len(row))] for row in rows])
    if all(len(row) == longest for row in rows):
        return model(input_ids=ids).logits  # type: ignore[no-any-return]
    mask = torch.tensor([[1] * len(row) + [0] * (longest - len(row)) for row in rows])
    return model(input_ids=ids, attention_mask=mask).logits  # type: ignore[no-any-return]
