"""Classification of whole documents."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from typing import TYPE_CHECKING, Annotated, Any, ClassVar, Literal

from pydantic import Field, model_validator

from pluglm import Batch, Document, Example, Losses, Objective, Predictions, Scored, SpecialTokens
from pluglm_objectives.token_losses import attention_mask, framing_special_tokens, padded, text_ids

if TYPE_CHECKING:
    import numpy as np
    import torch
    from transformers import PreTrainedModel, PreTrainedTokenizerFast


def labels_of(value: Any) -> list[str]:
    """A document's labels: a list as it is, anything else as the only one; what is missing is none."""
    values = value if isinstance(value, (list, tuple)) else [value]
    return [str(item) for item in values if item is not None and str(item).strip()]


def same_label(label: str) -> str:
    """What the spellings of one label have in common: `True` and `true`, `1.0` and `1` are one."""
    if label.lower() in ("true", "false"):
        return label.lower()
    return re.sub(r"^(-?\d+)\.0+$", r"\1", label)


def _spelled_as(labels: Sequence[str], label: str) -> str:
    if label in labels:
        return label
    return next((known for known in labels if same_label(known) == same_label(label)), label)


def classified(model: PreTrainedModel, batch: Batch, **forward: Any) -> Any:
    """The model's outputs. `inputs_embeds` in the batch take the place of the embeddings of `input_ids`: decoders still
    need the ids, to see which token is the last that is not padding, so that they are not passed alone."""
    inputs = {name: batch[name] for name in ("input_ids", "attention_mask") if name in batch}
    if "inputs_embeds" not in batch:
        return model(**inputs, **forward)
    given = batch["inputs_embeds"]
    handle = model.get_input_embeddings().register_forward_hook(lambda *_: given)
    try:
        return model(**inputs, **forward)
    finally:
        handle.remove()


class Classification(Objective):
    """Predict a label of the document: sentiment, spam, topic.

    With single labels the loss is the cross-entropy of a softmax; with multiple labels (a list in the field), the sum
    of the binary cross-entropies of each label. `class_weights=balanced` weighs a class by documents / (classes *
    documents of the class), as King and Zeng 2001 do. Label smoothing as in Szegedy et al. 2016.
    """

    head: ClassVar[str] = "AutoModelForSequenceClassification"
    suggests: ClassVar[dict[str, str]] = {"model": "masked_lm"}
    loss_of: ClassVar[str] = "document"

    label: Annotated[str, Field(min_length=1, description="The document field that holds the label or labels")] = (
        "label"
    )
    multiple: Annotated[bool, Field(description="Whether a document can have several labels, or none")] = False
    class_weights: Annotated[
        Literal["none", "balanced"], Field(description="Whether rare classes weigh more (single labels only)")
    ] = "none"
    label_smoothing: Annotated[float, Field(ge=0, lt=1, description="Share of the target spread over all labels")] = 0.0

    @model_validator(mode="after")
    def _weights_are_for_single_labels(self) -> Classification:
        if self.multiple and self.class_weights != "none":
            raise ValueError("class_weights is for single labels: leave it at none, or turn multiple off")
        return self

    def required_fields(self) -> tuple[str, ...]:
        """The label's field."""
        return (self.label,)

    def fit(self, documents: Iterable[Document]) -> dict[str, Any]:
        """The sorted labels of the training documents, and how often each occurs; a label that is spelled in several
        ways (`same_label`) by its commonest spelling."""
        counts = Counter(label for document in documents for label in labels_of(document.get(self.label)))
        spellings: dict[str, list[str]] = {}
        for label in sorted(counts, key=lambda label: (-counts[label], label)):
            spellings.setdefault(same_label(label), []).append(label)
        total = {one[0]: sum(counts[label] for label in one) for one in spellings.values()}
        fitted: dict[str, Any] = {"labels": sorted(total), "counts": [total[label] for label in sorted(total)]}
        merged = [one for one in spellings.values() if len(one) > 1]
        notes = [f"{self.label}: {', '.join(one[1:])} and {one[0]} are taken for one class" for one in merged]
        return fitted | ({"notes": notes} if notes else {})

    def model_options(self, fitted: Mapping[str, Any]) -> dict[str, Any]:
        """The head's size and the labels' names."""
        labels = fitted["labels"]
        return {
            "num_labels": len(labels),
            "id2label": dict(enumerate(labels)),
            "label2id": {label: number for number, label in enumerate(labels)},
            "problem_type": "multi_label_classification" if self.multiple else "single_label_classification",
        }

    def special_tokens(self, tokenizer: PreTrainedTokenizerFast) -> SpecialTokens:
        """What the tokenizer itself puts there, else the class token and the end token, at which decoders answer."""
        return framing_special_tokens(tokenizer)

    def examples(
        self, document: Document, tokenizer: PreTrainedTokenizerFast, sequence_length: int, fitted: Mapping[str, Any]
    ) -> Iterable[Example]:
        """The document, cut to fit, with the special tokens around it."""
        labels = fitted["labels"]
        if len(labels) < 2:
            raise ValueError(f"the training documents have {len(labels)} label; two are needed")
        given = [_spelled_as(labels, label) for label in labels_of(document.get(self.label))]
        unknown = [label for label in given if label not in labels]
        if unknown:
            raise ValueError(f"label {unknown[0]!r} does not occur in the training documents")
        if not document.text.strip():
            raise ValueError("the text is empty")
        special = self.special_tokens(tokenizer)
        room = sequence_length - len(special.start) - len(special.end)
        ids = special.around(text_ids(document.text, tokenizer)[:room])
        if self.multiple:
            yield {"input_ids": ids, "target": [int(label in given) for label in labels]}
            return
        if len(given) != 1:
            raise ValueError(f"{len(given)} labels, where objective.multiple is off")
        number = labels.index(given[0])
        balance = sum(fitted["counts"]) / (len(labels) * fitted["counts"][number])
        yield {"input_ids": ids, "label": number, "balance": balance if self.class_weights == "balanced" else 1.0}

    def collate(
        self, examples: Sequence[Example], tokenizer: PreTrainedTokenizerFast, generators: Sequence[np.random.Generator]
    ) -> Batch:
        """`input_ids` (batch, longest) and `labels`: (batch,) ints, or (batch, labels) zeros and ones."""
        import torch

        rows = [example["input_ids"] for example in examples]
        batch: Batch = {"input_ids": padded(rows, tokenizer.pad_token_id), **attention_mask(rows)}
        if self.multiple:
            return batch | {"labels": torch.stack([torch.as_tensor(e["target"], dtype=torch.float) for e in examples])}
        labels = torch.tensor([example["label"] for example in examples])
        return batch | {"labels": labels, "balance": torch.tensor([float(e["balance"]) for e in examples])}

    def loss(self, model: PreTrainedModel, batch: Batch, **forward: Any) -> Losses:
        """The loss of each document; a class's weight counts in the divisor too, as in torch's weighted mean."""
        import torch
        import torch.nn.functional as F

        outputs = classified(model, batch, **forward)
        logits, labels = outputs.logits.float(), batch["labels"]
        if self.multiple:
            targets = labels * (1 - self.label_smoothing) + self.label_smoothing / 2
            losses = F.binary_cross_entropy_with_logits(logits, targets, reduction="none").sum(dim=1)
            return Losses(losses, torch.ones_like(losses), outputs)
        losses = F.cross_entropy(logits, labels, reduction="none", label_smoothing=self.label_smoothing)
        rows = torch.arange(len(labels), device=labels.device)
        return Losses(
            losses * batch["balance"], batch["balance"], outputs, scored=lambda: [Scored(logits, labels, rows)]
        )

    def predict(self, model: PreTrainedModel, batch: Batch) -> Predictions:
        """The likeliest label; with multiple labels, whether each is likelier than not."""
        logits: torch.Tensor = classified(model, batch).logits
        labels = batch["labels"]
        import torch

        if self.multiple:
            examples = torch.arange(len(labels), device=labels.device).repeat_interleave(labels.shape[1])
            return Predictions((logits > 0).long().flatten(), labels.long().flatten(), examples)
        return Predictions(logits.argmax(dim=-1), labels, torch.arange(len(labels), device=labels.device))
