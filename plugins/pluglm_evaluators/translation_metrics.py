"""What a model writes, beside what it should have written."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Annotated, ClassVar

from pydantic import Field

from pluglm import Evaluation, Evaluator, Score
from pluglm_evaluators.bootstrap import RESAMPLES


class TranslationMetrics(Evaluator):
    """BLEU and chrF of what the model writes for the validation sources, by sacrebleu, beside that of the source.

    Each text is written token by token, the likeliest each time, so that it takes longer than other evaluators; only
    the first `examples` are written.

    Sources: Papineni et al. 2002 (BLEU); Popović 2015 (chrF); Post 2018, https://arxiv.org/abs/1804.08771 (sacrebleu);
    Koehn 2004, https://aclanthology.org/W04-3250 (the interval)
    """

    requires: ClassVar[dict[str, str]] = {"sacrebleu": "pluglm[data]"}

    examples: Annotated[int, Field(ge=2, description="Validation examples written at most")] = 200

    def evaluate(self, evaluation: Evaluation) -> Iterable[Score]:
        """Scores for models that write text for text; for others none, and a note."""
        if evaluation.objective.head != "AutoModelForSeq2SeqLM":
            evaluation.note(f"{self.name}: a model of {evaluation.objective.head} writes no text for another")
            return
        from sacrebleu.metrics import BLEU, CHRF

        sources, written, targets = self._texts(evaluation)
        for metric, meaning in (
            (BLEU(effective_order=True), "n-grams of words shared with the target, 0 to 100"),
            (CHRF(), "n-grams of characters shared with the target, 0 to 100"),
        ):
            name = type(metric).__name__.lower()
            # The library gives the interval by its mean and half its width, resampling sentences.
            found = metric.corpus_score(written, [targets], n_bootstrap=RESAMPLES)
            low, high = float(found._mean - found._ci), float(found._mean + found._ci)
            yield Score(name, float(found.score), low, high, n=len(targets), better="higher", meaning=meaning)
            copied = float(metric.corpus_score(sources, [targets]).score)
            meaning = f"{name} of the source left as it is"
            yield Score(f"{name}_of_source", copied, n=len(targets), better="higher", meaning=meaning, baseline=True)

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
        return sources, written, targets
