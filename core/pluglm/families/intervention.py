"""The moments of a run at which a regularizer, debiaser or compressor can act."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping
from contextlib import AbstractContextManager
from dataclasses import dataclass
from random import Random
from typing import TYPE_CHECKING, Any, ClassVar

from pluglm.document import Document
from pluglm.families.parallelism import Cut
from pluglm.technique import Technique

if TYPE_CHECKING:
    import torch
    from transformers import PreTrainedModel, PreTrainedTokenizerFast

    from pluglm.families.objective import Batch, LossFunction, Objective


@dataclass(frozen=True, slots=True)
class TrainingRun:
    """What a technique sees of the run it acts on.

    Attributes:
        model: the model, to be changed in place.
        auxiliary: further modules to be trained beside the model (an adversary); put in before training, optimised and
            checkpointed with the model, never saved in `model/`.
        tokenizer, objective: those of the run.
        state: this technique's own memory: numbers, strings, lists, dicts and tensors, nested in dicts with string
            keys. It is part of every checkpoint.
        seed: the run's seed.
        steps: how many steps are planned.
        batches: `batches(n)` gives n training batches on the model's device, the same at every call.
        documents: the training documents, streamed.
        note: leaves a line for the user and the report.
    """

    model: PreTrainedModel
    auxiliary: torch.nn.ModuleDict
    tokenizer: PreTrainedTokenizerFast
    objective: Objective
    state: dict[str, Any]
    seed: int
    steps: int
    batches: Callable[[int], Iterator[Batch]]
    documents: Callable[[], Iterator[Document]]
    note: Callable[[str], None]


@dataclass(frozen=True, slots=True)
class Step:
    """An optimizer step that is done. `number` counts from 1; `loss` is the mean in nats."""

    number: int
    learning_rate: float
    loss: float


class Intervention(Technique):
    """A technique that acts at one or more moments of a run: override those it needs, at least one.

    A moment that no chosen technique overrides costs nothing. At one moment, techniques act in the order regularizers,
    debiasers, compressors, and within a family in the order of the config.

    Class variables:
        works_with_cut: under what a parallelism may do to the model (`Parallelism.cuts`) its `wrap_loss`, `after_step`
            and `should_stop` still do what they should. One that only reads what the model gave works with "tensors"
            and "layers" both: the loss is computed where all outputs but earlier hidden states are, once per batch.
        measured_alone: what it does to the trained model is measured: the model is evaluated before and after it.
    """

    works_with_cut: ClassVar[frozenset[Cut]] = frozenset()
    measured_alone: ClassVar[bool] = False

    def columns(self) -> tuple[str, ...]:
        """Document fields that must travel with each example to the loss. They arrive as `batch["field_" + name]`,
        (batch,) ints: the position of the document's value among all values sorted as text, -1 where it has none."""
        return ()

    def change_documents(self, documents: Iterable[Document], random: Random) -> Iterator[Document]:
        """The training documents, changed, dropped or added to."""
        raise NotImplementedError

    def before_training(self, run: TrainingRun) -> None:
        """Change the model before its first step, or add auxiliary modules. Also called on resume, before the state is
        loaded: it must be deterministic."""
        raise NotImplementedError

    def wrap_loss(self, loss: LossFunction, run: TrainingRun) -> LossFunction:
        """The loss that training minimises, made from the one so far. Validation uses the objective's own."""
        raise NotImplementedError

    def after_step(self, run: TrainingRun, step: Step) -> None:
        """Look at, or change, the parameters after an optimizer step."""
        raise NotImplementedError

    def during_validation(self, run: TrainingRun) -> AbstractContextManager[None]:
        """Around each validation while training, with the questions whether to stop: other weights than those that are
        trained may stand in the model meanwhile."""
        raise NotImplementedError

    def should_stop(self, run: TrainingRun, step: Step, validation: Mapping[str, float]) -> str | None:
        """After each validation: a reason to end training now, or None. `validation` has `loss` and what else was
        measured."""
        raise NotImplementedError

    def after_training(self, run: TrainingRun) -> None:
        """Change the trained model in place, before it is saved."""
        raise NotImplementedError

    @classmethod
    def moments(cls) -> frozenset[str]:
        """The names of the moments this class overrides."""
        return frozenset(name for name in MOMENTS if getattr(cls, name) is not getattr(Intervention, name))


DURING_TRAINING = frozenset({"wrap_loss", "after_step", "during_validation", "should_stop"})
"""Moments at which the model may be cut over processes."""
MOMENTS = (
    "change_documents",
    "before_training",
    "wrap_loss",
    "after_step",
    "during_validation",
    "should_stop",
    "after_training",
)
