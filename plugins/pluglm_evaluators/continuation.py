"""How the model goes on with held-out text: one task under a measure that jumps, and under measures that do not."""

from __future__ import annotations

import math
from collections.abc import Callable, Iterable, Iterator, Sequence
from typing import TYPE_CHECKING, Annotated, Any

from pydantic import Field

from pluglm import Document, Evaluation, Evaluator, Problem, RunConfig, Score, encode_text
from pluglm_evaluators.bootstrap import ratio_interval

if TYPE_CHECKING:
    import torch
    from transformers import PreTrainedModel, PreTrainedTokenizerFast

BATCH = 32


def windows(
    documents: Callable[[], Iterable[Document]], tokenizer: PreTrainedTokenizerFast, size: int, most: int
) -> list[list[int]]:
    """At most `most` pieces of `size` tokens, none in another, spread evenly over the documents and within each."""
    count = sum(1 for _ in documents())
    stride, each = max(1, count // most), math.ceil(most / max(count, 1))
    found: list[list[int]] = []
    for number, document in enumerate(documents()):
        if number % stride or len(found) == most:
            continue
        ids = encode_text(document.text, tokenizer)
        pieces = len(ids) // size
        for piece in range(0, pieces, max(1, math.ceil(pieces / each))):
            found.append(ids[piece * size : (piece + 1) * size])
    return found[:most]


def edit_distance(written: Sequence[int], true: Sequence[int]) -> int:
    """How many tokens must be put in, taken out or replaced to make one of the other (Levenshtein 1966)."""
    row = list(range(len(true) + 1))
    for i, token in enumerate(written, start=1):
        last, row[0] = row[0], i
        for j, other in enumerate(true, start=1):
            last, row[j] = row[j], min(last + (token != other), row[j] + 1, row[j - 1] + 1)
    return row[-1]


def written_tokens(model: PreTrainedModel, prefixes: torch.Tensor, length: int, pad: int) -> torch.Tensor:
    """(batch, length) the tokens that the model writes after (batch, prefix) `prefixes`, the likeliest each time; `pad`
    behind the end of a text."""
    import torch

    mask = torch.ones_like(prefixes)
    out: Any = model.generate(
        prefixes, attention_mask=mask, max_new_tokens=length, do_sample=False, num_beams=1, pad_token_id=pad
    )
    tokens = out[:, prefixes.shape[1] :]
    padded: torch.Tensor = torch.nn.functional.pad(tokens, (0, length - tokens.shape[1]), value=pad)
    return padded


def log_likelihoods(logits: torch.Tensor, ids: torch.Tensor, length: int) -> torch.Tensor:
    """(batch,) the mean log-probability, in nats, of each of the last `length` of (batch, tokens) `ids` given those
    before it, under (batch, tokens, vocabulary) `logits`."""
    each = logits[:, -length - 1 : -1].float().log_softmax(-1)
    return each.gather(2, ids[:, -length:, None])[..., 0].mean(1)


class Continuation(Evaluator):
    """What a causal model writes after the beginning of held-out text, beside what stands there.

    One task under four measures. Exact match counts what is right in every token, so that it is near nothing for long
    and then rises at once where a token becomes a little likelier: with the share p of right tokens it goes as p to the
    power of `length`. The share of right tokens, the edit distance and the log-likelihood of the true tokens change
    evenly. What "emerges" under the first alone comes of the measure.

    Source: Schaeffer, Miranda and Koyejo 2023, "Are Emergent Abilities of Large Language Models a Mirage?",
    https://arxiv.org/abs/2304.15004
    """

    prefix_tokens: Annotated[
        int, Field(ge=1, description="Tokens the model is given, those that begin a text included")
    ] = 24
    length: Annotated[int, Field(ge=1, description="Tokens that it writes")] = 8
    prompts: Annotated[int, Field(ge=2, description="How many beginnings of held-out text at most")] = 200

    def problems(self, run: RunConfig) -> Iterable[Problem]:
        """More tokens than the model takes."""
        most = run.data.sequence_length
        if self.prefix_tokens + self.length > most:
            path = next(f"evaluator.{label}" for label, evaluator in run.evaluator.items() if evaluator is self)
            reason = f"and length={self.length} are more than data.sequence_length={most}"
            yield Problem(f"{path}.prefix_tokens", reason, self.prefix_tokens)

    def evaluate(self, evaluation: Evaluation) -> Iterable[Score]:
        """The four scores, each the mean over prompts; for models that do not go on with text none, and a note."""
        if evaluation.objective.head != "AutoModelForCausalLM":
            evaluation.note(f"{self.name}: a model of {evaluation.objective.head} does not go on with text")
            return
        size = self.prefix_tokens + self.length
        start = evaluation.objective.special_tokens(evaluation.tokenizer).start[: self.prefix_tokens]
        pieces = windows(evaluation.validation_documents, evaluation.tokenizer, size - len(start), self.prompts)
        rows = [[*start, *piece] for piece in pieces]
        if not rows:
            evaluation.note(f"{self.name}: no held-out document has {size} tokens")
            return
        measured = [values for start in range(0, len(rows), BATCH) for values in self._measure(evaluation, rows, start)]
        exact, right, edits, likelihoods = zip(*measured, strict=True)
        for name, values, kind, better, meaning in (
            ("exact_match", exact, "exact", "higher", f"share of texts whose next {self.length} tokens are all right"),
            ("token_accuracy", right, "continuous", "higher", "share of the tokens written that are right"),
            ("edit_distance", edits, "continuous", "lower", "changes that make a right token of each, per token"),
            ("log_likelihood", likelihoods, "continuous", "higher", "nats of a true token, given those before it"),
        ):
            low, high = ratio_interval(values, [1.0] * len(values), evaluation.seed)
            mean = sum(values) / len(values)
            yield Score(name, mean, low, high, n=len(values), better=better, meaning=meaning, kind=kind)

    def _measure(
        self, evaluation: Evaluation, rows: Sequence[Sequence[int]], start: int
    ) -> Iterator[tuple[float, float, float, float]]:
        """The four measures of each of a batch of prompts."""
        import torch

        ids = torch.tensor(rows[start : start + BATCH], device=evaluation.model.device)
        logits = evaluation.model(input_ids=ids, attention_mask=torch.ones_like(ids), use_cache=False).logits
        prefixes, true = ids[:, : self.prefix_tokens], ids[:, self.prefix_tokens :]
        written = written_tokens(evaluation.model, prefixes, self.length, evaluation.tokenizer.pad_token_id)
        right = (written == true).float().mean(1).tolist()
        for own, other, share, likelihood in zip(
            written.tolist(), true.tolist(), right, log_likelihoods(logits, ids, self.length).tolist(), strict=True
        ):
            yield float(share == 1), share, edit_distance(own, other) / self.length, likelihood
