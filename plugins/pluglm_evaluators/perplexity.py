"""Perplexity and bits per byte."""

from __future__ import annotations

import math
from collections.abc import Callable, Iterable, Iterator
from typing import TYPE_CHECKING, Annotated, Any

import xxhash
from pydantic import Field

from pluglm import Batch, Document, Evaluation, Evaluator, Score, encode_text
from pluglm_evaluators.bootstrap import ratio_interval
from pluglm_evaluators.byte_ngrams import bits_per_byte, joined_bytes

if TYPE_CHECKING:
    from transformers import PreTrainedTokenizerFast

LOOKED_AT = 1_000_000
"""Bytes of held-out text by which a tokenizer is judged."""
ORDERS = {"trigram": 3, "5gram": 5}


def byte_counter(tokenizer: PreTrainedTokenizerFast) -> Callable[[Any], int]:
    """A function from ids to how many bytes of UTF-8 they stand for; special tokens stand for none.

    The bytes of byte-level tokens are counted one by one: where a block begins or ends within a character, decoding
    would put the three bytes of U+FFFD in the place of each.
    """
    special = set(tokenizer.all_special_ids)
    if type(tokenizer.backend_tokenizer.decoder).__name__ != "ByteLevel":
        return lambda ids: len(tokenizer.decode([i for i in ids if i not in special]).encode())
    added = {number: len(str(token).encode()) for number, token in tokenizer.added_tokens_decoder.items()}
    sizes = {number: added.get(number, len(token)) for token, number in tokenizer.get_vocab().items()}
    return lambda ids: sum(sizes[i] for i in ids if i not in special)


def bytes_lost(documents: Iterable[Document], tokenizer: PreTrainedTokenizerFast, count: Callable[[Any], int]) -> float:
    """Bytes of the texts for each byte that their tokens stand for: 1 where the tokenizer is lossless, as byte-level
    ones are. Lower case, spaces put in and unknown words make it another number, which bits per byte must take in."""
    true, left = 0, 0
    for document in documents:
        true += len(document.text.encode("utf-8", "replace"))
        left += count(encode_text(document.text, tokenizer))
        if true >= LOOKED_AT:
            break
    return true / left if true and left else 1.0


def unknown_tokens(batch: Batch, tokenizer: PreTrainedTokenizerFast) -> int:
    """How many of a batch's labels are the unknown token; none where the tokenizer has none of its own (GPT-2's is the
    end of a text), or the objective has no labels."""
    unknown = tokenizer.unk_token_id
    if unknown is None or unknown == tokenizer.eos_token_id or "labels" not in batch:
        return 0
    return int((batch["labels"] == unknown).sum())


class Perplexity(Evaluator):
    """How well the model predicts held-out text: exp of the mean loss of a token, and bits per byte.

    Bits per byte, for causal models alone, do not depend on the tokenizer, and stand beside those of byte n-gram models
    with Witten-Bell interpolation. What the ends of documents cost is counted, for both; bytes are those of the text.

    Source: Jelinek et al. 1977; Witten and Bell 1991.
    """

    baselines: Annotated[bool, Field(description="Measure byte n-gram models on the same documents")] = True
    baseline_megabytes: Annotated[float, Field(gt=0, description="Training text the n-gram models see at most")] = 16.0

    def evaluate(self, evaluation: Evaluation) -> Iterable[Score]:
        """Perplexity for models over tokens; nothing for others."""
        head = evaluation.objective.head
        if head not in ("AutoModelForCausalLM", "AutoModelForMaskedLM"):
            evaluation.note(f"{self.name}: a model of {head} predicts no text, so it has no perplexity")
            return
        nats, counts, unknown = [], [], 0
        sizes: list[float] = []
        count_bytes = byte_counter(evaluation.tokenizer)
        for batch in evaluation.batches():
            losses = evaluation.objective.loss(evaluation.model, batch)
            nats += losses.sums.tolist()
            counts += losses.counts.tolist()
            unknown += unknown_tokens(batch, evaluation.tokenizer)
            if head == "AutoModelForCausalLM":
                sizes += [count_bytes(row[row >= 0].tolist()) for row in batch["labels"][:, 1:]]
        if unknown:
            share = 100 * unknown / max(sum(counts), 1)
            evaluation.note(
                f"{self.name}: {share:.1f} % of the tokens to predict are unknown words, of which no figure tells"
            )
        if not sum(counts):
            evaluation.note(f"{self.name}: the validation batches hold nothing to predict")
            return
        low, high = ratio_interval(nats, counts, evaluation.seed)
        mean = sum(nats) / sum(counts)
        causal = head == "AutoModelForCausalLM"
        yield Score(
            "perplexity" if causal else "masked_perplexity",
            math.exp(mean),
            math.exp(low),
            math.exp(high),
            n=int(sum(counts)),
            better="lower",
            meaning="between how many tokens of its vocabulary the model hesitates"
            + ("" if causal else ", where one is hidden"),
        )
        if causal:
            lost = bytes_lost(evaluation.validation_documents(), evaluation.tokenizer, count_bytes)
            if lost != 1:
                evaluation.note(f"{self.name}: the tokenizer changes texts; bits are of a byte of the true text")
                sizes = [size * lost for size in sizes]
            low, high = (bound / math.log(2) for bound in ratio_interval(nats, sizes, evaluation.seed))
            value = sum(nats) / math.log(2) / max(sum(sizes), 1)
            meaning = "bits the model needs for a byte of held-out text"
            yield Score("bits_per_byte", value, low, high, n=round(sum(sizes)), better="lower", meaning=meaning)
            if self.baselines:
                yield from self._baselines(evaluation)

    def _baselines(self, evaluation: Evaluation) -> Iterator[Score]:
        most = int(self.baseline_megabytes * 1e6)
        train = joined_bytes((document.text for document in evaluation.training_documents()), most)
        test = joined_bytes((document.text for document in evaluation.validation_documents()), most)
        key = xxhash.xxh3_128_hexdigest(train.tobytes() + b"/" + test.tobytes())
        values = evaluation.kept(
            f"byte-ngrams-{key}", lambda: {name: bits_per_byte(train, test, order) for name, order in ORDERS.items()}
        )
        size = max(1, int((test != 0).sum()))
        for name, value in values.items():
            meaning = f"bits per byte of a byte {name} model with Witten-Bell interpolation"
            value = value * len(test) / size
            yield Score(f"bits_per_byte_{name}", value, n=size, better="lower", meaning=meaning, baseline=True)
