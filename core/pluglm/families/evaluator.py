"""Evaluators: measurements of a model."""

from __future__ import annotations

import json
from abc import abstractmethod
from collections.abc import Callable, Iterable, Iterator
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any, ClassVar

from pluglm.document import Document
from pluglm.files.replacing import write_text
from pluglm.technique import Technique

if TYPE_CHECKING:
    from transformers import PreTrainedModel, PreTrainedTokenizerFast

    from pluglm.families.objective import Batch, Objective


@dataclass(frozen=True, slots=True)
class Score:
    """One figure about a model.

    Attributes:
        name: what it is, such as "bits_per_byte".
        value, low, high: the figure and its 95 % bootstrap interval (None where there is none).
        n: how many things were measured.
        better: "lower", "higher", or "" where neither is better; "50" style targets belong in `meaning`.
        meaning: one sentence that says how to read it.
        baseline: whether it is a yardstick, not a figure about the model.
        kind: "bias" for a figure about whom the model prefers or harms; "exact" for one that counts only what is wholly
            right, "continuous" for a graded one of the same task; "" otherwise. Comparisons put the bias beside the
            quality, and "exact" beside "continuous", to show whether an ability emerges or only its measure jumps.
        of: the task that "exact" and "continuous" scores have in common; "" for all of the evaluator.
        target: the value to come close to, where neither lower nor higher is better (50 for a preference).
    """

    name: str
    value: float
    low: float | None = None
    high: float | None = None
    n: int = 0
    better: str = ""
    meaning: str = ""
    baseline: bool = False
    kind: str = ""
    of: str = ""
    target: float | None = None


@dataclass(frozen=True, slots=True)
class Evaluation:
    """What an evaluator works with. The model is in eval mode and gradients are off.

    Attributes:
        batches: the validation batches, on the model's device, the same at every call.
        training_documents, validation_documents: streamed.
        sequence_length: how many tokens the model takes.
        cache: a folder that outlives the run, for what depends on the documents alone. It may be missing and may be
            one that can only be read; `kept` deals with both.
        note: leaves a line for the user and the report.
    """

    model: PreTrainedModel
    tokenizer: PreTrainedTokenizerFast
    objective: Objective
    batches: Callable[[], Iterator[Batch]]
    training_documents: Callable[[], Iterator[Document]]
    validation_documents: Callable[[], Iterator[Document]]
    sequence_length: int
    seed: int
    cache: Path
    note: Callable[[str], None]

    def kept(self, name: str, make: Callable[[], Any]) -> Any:
        """What `make` returns, plain data, which is kept in `cache` under `name` where that can be written."""
        path = self.cache / f"{name}.json"
        with suppress(OSError, ValueError):
            return json.loads(path.read_text(encoding="utf-8"))
        made = make()
        with suppress(OSError):
            path.parent.mkdir(parents=True, exist_ok=True)
            write_text(path, json.dumps(made))
        return made


class Evaluator(Technique):
    """Measures a model. It runs after training, and again after each technique that changes the model then."""

    family: ClassVar[str] = "evaluator"

    @abstractmethod
    def evaluate(self, evaluation: Evaluation) -> Iterable[Score]:
        """The scores; none, with a note that says why, where the model's head does not allow them."""
