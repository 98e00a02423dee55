"""How often the model's answer is right."""

from __future__ import annotations

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
    mcc = matthews_corrcoef(targets, predicted)
    return {
        "macro_precision": float(precision),
        "macro_recall": float(recall),
        "macro_f1": float(f1),
        "mcc": float(mcc),
    }


class TaskMetrics(Evaluator):
    """Accuracy in the objective's own task (next token, hidden token, label), beside that of the commonest answer.

    For tasks with few answers also macro-averaged precision, recall and F1, and Matthews' correlation.
    """

    max_classes: Annotated[int, Field(ge=2, description="Up to how many answers class scores are given for")] = 50

    def evaluate(self, evaluation: Evaluation) -> Iterable[Score]:
        """Scores of `Objective.predict` on the validation batches."""
        import numpy as np

        predicted, targets, examples, offset = [], [], [], 0
        for batch in evaluation.batches():
            answer = evaluation.objective.predict(evaluation.model, batch)
            predicted.append(answer.predicted.cpu().numpy())
            targets.append(answer.target.cpu().numpy())
            examples.append(answer.example.cpu().numpy() + offset)
            offset += len(batch["input_ids"])
        none = [np.empty(0, dtype=np.int64)]
        yield from self._scores(
            np.concatenate(predicted or none),
            np.concatenate(targets or none),
            np.concatenate(examples or none),
            evaluation,
        )

    def _scores(self, predicted: Any, targets: Any, examples: Any, evaluation: Evaluation) -> Iterator[Score]:
        import numpy as np

        if not len(targets):
            evaluation.note(f"{self.name}: the validation batches hold nothing to predict")
            return
        right = np.bincount(examples, weights=predicted == targets)
        asked = np.bincount(examples)
        # Answers within one example depend on each other, so examples are resampled, not answers.
        low, high = ratio_interval(right[asked > 0], asked[asked > 0], evaluation.seed)
        accuracy = float((predicted == targets).mean())
        meaning = "share of answers that are right"
        yield Score("accuracy", accuracy, low, high, n=len(targets), better="higher", meaning=meaning)
        most = float(np.bincount(targets).max() / len(targets))
        meaning = "accuracy of always giving the most frequent answer"
        yield Score("majority_accuracy", most, n=len(targets), better="higher", meaning=meaning, baseline=True)
        if len(np.unique(targets)) <= self.max_classes:
            for name, value in class_scores(targets, predicted).items():
                yield Score(name, value, n=len(targets), better="higher", meaning="see scikit-learn's user guide, 3.4")
