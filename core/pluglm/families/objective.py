"""Objectives: what the model is trained to do."""

from __future__ import annotations

from abc import abstractmethod
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING, Any, ClassVar, Protocol

from pluglm.document import Document
from pluglm.errors import Problem
from pluglm.families.special_tokens import SpecialTokens, own_special_tokens
from pluglm.technique import Technique

if TYPE_CHECKING:
    import numpy as np
    import torch
    from transformers import PreTrainedModel, PreTrainedTokenizerFast

    from pluglm.config.run_config import RunConfig

Example = Mapping[str, Any]
"""One example: names to lists of ints (such as `input_ids`) or to single numbers (such as `label`)."""

Batch = dict[str, Any]
"""A collated batch: names to tensors whose first dimension is the number of examples."""


@dataclass(frozen=True, slots=True)
class Scored:
    """The distributions that a loss is the mean cross-entropy of, a row for each term.

    Attributes:
        logits: (terms, classes), differentiable.
        targets: (terms,) the right class of each.
        examples: (terms,) the position in the batch of the example each belongs to.
    """

    logits: torch.Tensor
    targets: torch.Tensor
    examples: torch.Tensor


@dataclass(frozen=True, slots=True)
class Losses:
    """Losses of a batch, not yet normalised: the core alone divides, over accumulation and ranks.

    Attributes:
        sums: (batch,) sum of the losses of each example, in nats, differentiable.
        counts: (batch,) how many terms (tokens, labels) each sum has.
        outputs: what the model returned (`logits`, `hidden_states` if asked for), for techniques that wrap the loss.
        metrics: further scalars to log, means over the batch.
        scored: gives the distributions behind the losses, one `Scored` for each head of the model that has a loss, for
            techniques that compare or smooth them; None where the loss is not made of cross-entropies.
    """

    sums: torch.Tensor
    counts: torch.Tensor
    outputs: Any = None
    metrics: Mapping[str, torch.Tensor] = field(default_factory=dict)
    scored: Callable[[], Sequence[Scored]] | None = None

    def plus(self, penalty: torch.Tensor, name: str) -> Losses:
        """With a scalar or (batch,) `penalty` added to the mean loss, and logged as `name`."""
        metrics = {**self.metrics, name: penalty.detach().mean()}
        return replace(self, sums=self.sums + penalty * self.counts, metrics=metrics)


class LossFunction(Protocol):
    """`forward` are further keywords for the model, such as output_hidden_states=True."""

    def __call__(self, model: PreTrainedModel, batch: Batch, **forward: Any) -> Losses: ...


@dataclass(frozen=True, slots=True)
class Predictions:
    """What the model said and what was right, one entry for each thing predicted: (n,) ints each; `example`: (n,) the
    position in the batch of the example each belongs to.

    `task` says what is predicted, where an objective has several tasks; `also` holds the predictions of the others.
    """

    predicted: torch.Tensor
    target: torch.Tensor
    example: torch.Tensor
    task: str = ""
    also: Sequence[Predictions] = ()


class Objective(Technique):
    """Turns documents into examples, examples into batches, and batches into losses."""

    family: ClassVar[str] = "objective"
    head: ClassVar[str]
    """The `transformers` Auto class of the model it trains, such as "AutoModelForCausalLM"."""
    packs: ClassVar[bool] = False
    """Whether the `input_ids` of its examples may be joined into blocks of exactly the sequence length."""
    partners: ClassVar[int] = 0
    """How many further examples of the same split each example comes with, under "partners", for objectives that set
    texts of several documents beside each other. They are drawn from the whole split by the example's generator, and
    read when they are looked at."""
    loss_of: ClassVar[str] = "thing predicted"
    """What the loss is a mean over, such as "token" or "document", for reports."""
    continues: ClassVar[bool] = False
    """Whether its model continues what it is given. The exported tokenizer then puts nothing behind a text."""

    def special_tokens(self, tokenizer: PreTrainedTokenizerFast) -> SpecialTokens:
        """What stands around a text in its examples: by default what the tokenizer itself puts there. The exported
        tokenizer puts the same around a text, so that the model is used as it was trained."""
        return own_special_tokens(tokenizer)

    def required_fields(self) -> tuple[str, ...]:
        """Document fields without which a document is quarantined."""
        return ()

    def texts(self, document: Document) -> Iterable[str]:
        """What the tokenizer learns from: all that the examples of the document are made of."""
        return (document.text,)

    def extra_tokens(self) -> tuple[str, ...]:
        """Special tokens the tokenizer must have beside those of `SPECIAL_TOKENS`; what it lacks is added at the end of
        its vocabulary, so that every other token keeps its id."""
        return ()

    def fit(self, documents: Iterable[Document]) -> dict[str, Any]:
        """What must be known of the training documents as a whole (the set of labels), as JSON-able data; lines for
        the report stand under "notes"."""
        return {}

    def model_options(self, fitted: Mapping[str, Any]) -> dict[str, Any]:
        """Keywords for the model's config that follow from what was fitted."""
        return {}

    @abstractmethod
    def examples(
        self, document: Document, tokenizer: PreTrainedTokenizerFast, sequence_length: int, fitted: Mapping[str, Any]
    ) -> Iterable[Example]:
        """The examples of one document, each with `input_ids`, at most `sequence_length` long unless it packs.

        Raises:
            ValueError: where the document cannot serve; it is quarantined with the message as its reason.
        """

    @abstractmethod
    def collate(
        self, examples: Sequence[Example], tokenizer: PreTrainedTokenizerFast, generators: Sequence[np.random.Generator]
    ) -> Batch:
        """One batch. Randomness (masks) for example i comes from `generators[i]`, which the core seeds by
        (seed, epoch, example), so that it is the same after a resume and for any cut into batches. Each example has
        `partners` where the objective asks for some."""

    @abstractmethod
    def loss(self, model: PreTrainedModel, batch: Batch, **forward: Any) -> Losses:
        """The losses of a batch."""

    @abstractmethod
    def predict(self, model: PreTrainedModel, batch: Batch) -> Predictions:
        """The model's most likely answers beside the right ones."""

    def problems(self, run: RunConfig) -> Iterable[Problem]:
        """The chosen model must have this objective's head."""
        if self.head not in run.model.heads():
            yield Problem(
                "model",
                f"cannot serve objective={self.name}, which needs {self.head}",
                run.model.name,
                f"did you mean model={self.suggests['model']}?" if "model" in self.suggests else "choose another model",
            )
