"""What a model writes, beside what it should have written."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from importlib.util import find_spec
from itertools import islice
from typing import TYPE_CHECKING, Annotated, Any, ClassVar, Literal

from pydantic import Field

from pluglm import Document, Evaluation, Evaluator, Problem, RunConfig, Score, encode_text
from pluglm_evaluators.scripts import SPACELESS, main_script

if TYPE_CHECKING:
    from transformers import PreTrainedTokenizerFast

RESAMPLES = 300
LOOKED_AT = 50


def interval(metric: Any, written: Sequence[str], targets: Sequence[str], seed: int) -> tuple[float, float]:
    """The 95 % percentile interval of a metric of sacrebleu, resampling sentences (Koehn 2004)."""
    import numpy as np

    # What the library's own resampling is made of, which fails where a resample's score is exactly 0.
    statistics = metric._extract_corpus_statistics(written, [targets])
    drawn = np.random.default_rng(seed).integers(len(targets), size=(RESAMPLES, len(targets)))
    scores = [float(metric._aggregate_and_compute([statistics[number] for number in row]).score) for row in drawn]
    low, high = np.percentile(scores, [2.5, 97.5])
    return float(low), float(high)


Tokenize = Literal["auto", "13a", "intl", "zh", "ja-mecab", "ko-mecab", "char", "none"]
FITTING: dict[str, Tokenize] = {
    "CJK": "zh",
    "KANA": "ja-mecab",
    "HANGUL": "ko-mecab",
    **dict.fromkeys(SPACELESS, "char"),
}
NEEDED = {"ja-mecab": ("MeCab", "sacrebleu[ja]"), "ko-mecab": ("mecab_ko", "sacrebleu[ko]")}
"""What sacrebleu's tokenizers import, and what brings it."""


def encode_decode(text: str, tokenizer: PreTrainedTokenizerFast) -> str:
    """The text as it comes back from the tokenizer."""
    return str(tokenizer.decode(encode_text(text, tokenizer), skip_special_tokens=True))


def first(evaluation: Evaluation) -> Iterator[Document]:
    """The first validation documents."""
    return islice(evaluation.validation_documents(), LOOKED_AT)


class TranslationMetrics(Evaluator):
    """BLEU and chrF of what the model writes for the validation sources, by sacrebleu, beside that of the source.

    Each text is written token by token, the likeliest each time, so that it takes longer than other evaluators; only
    the first `examples` are written.

    BLEU counts words, and what a word is depends on the language: `tokenize=auto` takes sacrebleu's tokenizer for the
    script of the targets (zh, ja-mecab, ko-mecab, characters for Thai and its like, else 13a). Scores of different
    tokenizers cannot be compared; sacrebleu's signature, which names it, stands beside each.

    Sources: Papineni et al. 2002 (BLEU); Popović 2015 (chrF); Post 2018, https://arxiv.org/abs/1804.08771 (sacrebleu);
    Koehn 2004, https://aclanthology.org/W04-3250 (the interval)
    """

    requires: ClassVar[dict[str, str]] = {"sacrebleu": "pluglm[data]"}

    examples: Annotated[int, Field(ge=2, description="Validation examples written at most")] = 200
    tokenize: Annotated[
        Tokenize, Field(description="How BLEU cuts texts into words; auto for what fits the script of the targets")
    ] = "auto"

    def problems(self, run: RunConfig) -> Iterable[Problem]:
        """The tokenizers of Japanese and Korean need packages of their own."""
        module, brought = NEEDED.get(self.tokenize, ("", ""))
        if module and find_spec(module) is None:
            path = next(f"evaluator.{label}" for label, evaluator in run.evaluator.items() if evaluator is self)
            hint = f"pip install '{brought}', or write char"
            yield Problem(f"{path}.tokenize", f"needs {module}, which is not installed", self.tokenize, hint)

    def evaluate(self, evaluation: Evaluation) -> Iterable[Score]:
        """Scores for models that write text for text; for others none, and a note."""
        if evaluation.objective.head != "AutoModelForSeq2SeqLM":
            evaluation.note(f"{self.name}: a model of {evaluation.objective.head} writes no text for another")
            return
        if evaluation.objective.packs:
            evaluation.note(f"{self.name}: the objective has no texts to write, but pieces of one text")
            return
        from sacrebleu.metrics import BLEU, CHRF

        sources, written, targets = self._texts(evaluation)
        bleu = BLEU(effective_order=True, tokenize=self._tokenizer(targets, evaluation))
        for metric, meaning in (
            (bleu, "n-grams of words shared with the target, 0 to 100"),
            (CHRF(), "n-grams of characters shared with the target, 0 to 100"),
        ):
            name = type(metric).__name__.lower()
            value = float(metric.corpus_score(written, [targets]).score)
            low, high = interval(metric, written, targets, evaluation.seed)
            signature = str(metric.get_signature())
            evaluation.note(f"{self.name}: {name} is sacrebleu's {signature}")
            meaning = f"{meaning}; {signature}"
            yield Score(name, value, low, high, n=len(targets), better="higher", meaning=meaning)
            copied = float(metric.corpus_score(sources, [targets]).score)
            meaning = f"{name} of the source left as it is; {signature}"
            yield Score(f"{name}_of_source", copied, n=len(targets), better="higher", meaning=meaning, baseline=True)

    def _tokenizer(self, targets: Sequence[str], evaluation: Evaluation) -> Tokenize:
        """The one asked for, or the one that fits the script of the targets."""
        if self.tokenize != "auto":
            return self.tokenize
        fitting = FITTING.get(main_script(targets), "13a")
        module, brought = NEEDED.get(fitting, ("", ""))
        if module and find_spec(module) is None:
            evaluation.note(f"{self.name}: bleu counts characters, since {fitting} needs pip install '{brought}'")
            return "char"
        return fitting

    def _texts(self, evaluation: Evaluation) -> tuple[list[str], list[str], list[str]]:
        """Source, written and target texts of the first validation examples."""
        tokenizer, pad = evaluation.tokenizer, evaluation.tokenizer.pad_token_id
        sources: list[str] = []
        written: list[str] = []
        targets: list[str] = []
        for batch in evaluation.batches():
            left = self.examples - len(targets)
            if left <= 0:
                break
            ids, labels = batch["input_ids"][:left], batch["labels"][:left]
            mask = batch["attention_mask"][:left] if "attention_mask" in batch else None
            out = evaluation.model.generate(
                ids,
                attention_mask=ids.ne(pad).long() if mask is None else mask,
                max_new_tokens=evaluation.sequence_length - 1,
                do_sample=False,
                num_beams=1,
                pad_token_id=pad,
            )
            sources += tokenizer.batch_decode(ids, skip_special_tokens=True)
            written += tokenizer.batch_decode(out, skip_special_tokens=True)
            targets += tokenizer.batch_decode(labels.masked_fill(labels < 0, pad), skip_special_tokens=True)
        if any(encode_decode(document.text, tokenizer) != document.text for document in first(evaluation)):
            evaluation.note(f"{self.name}: the tokenizer changes texts, and the targets are as it writes them")
        return sources, written, targets
