"""How often the model's answer is right."""

from __future__ import annotations

import warnings
from collections.abc import Iterable, Iterator
from typing import TYPE_CHECKING, Annotated, Any

from pydantic import Field

from pluglm import Evaluation, Evaluator, Score
from pluglm_evaluators.bootstrap import ratio_interval

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray


def class_scores(targets: NDArray[np.int64], predicted: NDArray[np.int64]) -> dict[str, float]:
    """Macro-averaged precision, recall and F1, and Matthews' correlation, as scikit-learn has them."""
    from sklearn.metrics import matthews_corrcoef, precision_recall_fscore_support

    precision, recall, f1, _ = precision_recall_fscore_support(targets, predicted, average="macro", zero_division=0)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", UserWarning)  # of a single class, for which the correlation is 0 by definition
        mcc = matthews_corrcoef(targets, predicted)
    return {
        "macro_precision": float(precision),
        "macro_recall": float(recall),
        "macro_f1": float(f1),
        "mcc": float(mcc),
    }


class TaskMetrics(Evaluator):
    """Accuracy in the objective's own task (next token, hidden token, label), beside that of the commonest answer.

    An objective of several tasks has the scores of each, under its name (`nsp_accuracy`). For tasks with few answers
    also macro-averaged precision, recall and F1, and Matthews' correlation.
    """

    max_classes: Annotated[int, Field(ge=2, description="Up to how many answers class scores are given for")] = 50

    def evaluate(self, evaluation: Evaluation) -> Iterable[Score]:
        """Scores of `Objective.predict` on the validation batches."""
        import numpy as np

        found: dict[str, list[tuple[Any, Any, Any]]] = {}
        offset = 0
        for batch in evaluation.batches():
            answer = evaluation.objective.predict(evaluation.model, batch)
            for part in (answer, *answer.also):
                answers = (part.predicted.cpu().numpy(), part.target.cpu().numpy(), part.example.cpu().numpy() + offset)
                found.setdefault(part.task, []).append(answers)
            offset += len(batch["input_ids"])
        for task, answers_of in found.items():
            predicted, targets, examples = (np.concatenate(column) for column in zip(*answers_of, strict=True))
            yield from self._scores(task, predicted, targets, examples, evaluation)
        if not found:
            evaluation.note(f"{self.name}: the validation batches hold nothing to predict")

    def _scores(
        self, task: str, predicted: Any, targets: Any, examples: Any, evaluation: Evaluation
    ) -> Iterator[Score]:
        import numpy as np

        before = f"{task}_" if task else ""
        if not len(targets):
            what = f" of the task {task}" if task else ""
            evaluation.note(f"{self.name}: the validation batches hold nothing{what} to predict")
            return
        right = np.bincount(examples, weights=predicted == targets)
        asked = np.bincount(examples)
        # Answers within one example depend on each other, so examples are resampled, not answers.
        low, high = ratio_interval(right[asked > 0], asked[asked > 0], evaluation.seed)
        accuracy = float((predicted == targets).mean())
        meaning = "share of answers that are right"
        yield Score(f"{before}accuracy", accuracy, low, high, n=len(targets), better="higher", meaning=meaning)
        most = float(np.bincount(targets).max() / len(targets))
        meaning = "accuracy of always giving the most frequent answer"
        yield Score(f"{before}majority_accuracy", most, n=len(targets), better="higher", meaning=meaning, baseline=True)
        if len(np.unique(targets)) <= self.max_classes:
            meaning = "see scikit-learn's user guide, 3.4"
            for name, value in class_scores(targets, predicted).items():
                yield Score(f"{before}{name}", value, n=len(targets), better="higher", meaning=meaning)
