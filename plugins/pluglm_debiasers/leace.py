"""LEACE: least-squares concept erasure."""

from __future__ import annotations

from collections.abc import Sequence
from itertools import islice
from typing import TYPE_CHECKING, Annotated

from pydantic import Field

from pluglm import Debiaser, PluglmError, TrainingRun
from pluglm_debiasers.gendered_sentences import gendered_sentences
from pluglm_debiasers.heads import fold, head_inputs, output_head, untie

if TYPE_CHECKING:
    import torch

HELD_OUT = 4
"""One in so many is kept from the eraser, to test it."""


def leace_eraser(x: torch.Tensor, z: torch.Tensor) -> tuple[torch.Tensor, torch.Tensor]:
    """The closed form of theorem 4.3: P (d, d) and the mean (d,), so that mean + P (x - mean) has no covariance with z
    and is as near to x as that allows.

    P = I - W^+ Q W, where W = (cov(x)^(1/2))^+ whitens x and Q projects onto the columns of W cov(x, z).

    Args:
        x: (n, d) representations.
        z: (n, k) the concept, such as one column of zeros and ones for each of its values.
    """
    import torch

    mean = x.mean(dim=0)
    centred, concept = x - mean, z.to(x) - z.to(x).mean(dim=0)
    values, vectors = torch.linalg.eigh(centred.mT @ centred / (len(x) - 1))
    epsilon = torch.finfo(x.dtype).eps
    kept = values > values[-1] * len(values) * epsilon
    root = torch.where(kept, values, 1.0).sqrt()
    whiten = vectors * torch.where(kept, 1 / root, 0.0) @ vectors.mT
    unwhiten = vectors * torch.where(kept, root, 0.0) @ vectors.mT
    left, strengths, _ = torch.linalg.svd(whiten @ (centred.mT @ concept) / (len(x) - 1), full_matrices=False)
    # One-hot columns add up to 1, so that one direction fewer than there are columns is more than rounding.
    left = left[:, strengths > strengths.max() * len(x) * epsilon]
    return torch.eye(len(values)).to(x) - unwhiten @ left @ left.mT @ whiten, mean


def probe_accuracy(train_x: torch.Tensor, train_z: torch.Tensor, test_x: torch.Tensor, test_z: torch.Tensor) -> float:
    """How much of the test a logistic regression gets right; x (n, d), z (n,) ints."""
    from sklearn.linear_model import LogisticRegression
    from sklearn.pipeline import make_pipeline
    from sklearn.preprocessing import StandardScaler

    probe = make_pipeline(StandardScaler(), LogisticRegression(max_iter=500))
    return float(probe.fit(train_x.numpy(), train_z.numpy()).score(test_x.numpy(), test_z.numpy()))


class Leace(Debiaser):
    """Erases a concept from what the output head sees, so that no linear probe can tell it there.

    The concept is a document field, or by default gender, told by pairs of sentences that differ in nothing else. The
    smallest change to the last hidden states that removes all covariance with the concept is worked out in closed form
    and folded into the head's weights, so that the saved model is a plain model of `transformers`. A head that shares
    its weights with the input embeddings gets its own. Where it has no bias, the hidden states' mean is not kept along
    what is erased.

    Source: Belrose et al. 2023, https://arxiv.org/abs/2306.03819.
    """

    field: Annotated[
        str | None, Field(min_length=1, description="The document field that holds the concept; null for gender")
    ] = None
    samples: Annotated[int, Field(ge=16, description="Documents or sentences used, at most")] = 2000

    def after_training(self, run: TrainingRun) -> None:
        """Erase the concept from the head, and note what a probe could tell before and after.

        Raises:
            PluglmError: where the training documents do not have two values of the field.
        """
        import torch

        texts, values = self._concept(run)
        names = sorted(set(values))
        if len(names) < 2:
            raise PluglmError(
                f"debiaser={self.name} needs training documents with two or more values of the field {self.field!r} "
                f"and found {f'only {names[0]!r}' if names else 'none'}; set its field, or null for gender"
            )
        x = head_inputs(run.model, run.tokenizer, run.objective.special_tokens(run.tokenizer), texts)
        labels = torch.tensor([names.index(value) for value in values])
        # Sentences of a pair are neighbours, and must be on the same side.
        held_out = torch.arange(len(x)) // 2 % HELD_OUT == HELD_OUT - 1
        if len(set(labels[~held_out].tolist())) < len(names):
            raise PluglmError(f"debiaser={self.name}: too few documents ({len(texts)}) have the field {self.field!r}")
        projection, mean = leace_eraser(x[~held_out], torch.nn.functional.one_hot(labels, len(names))[~held_out])
        head = output_head(run.model)
        untie(run.model, head)
        fold(head, projection.to(head.weight.device), mean.to(head.weight.device))
        erased = mean + (x - mean) @ projection.mT
        before, after = (
            probe_accuracy(states[~held_out], labels[~held_out], states[held_out], labels[held_out])
            for states in (x, erased)
        )
        chance = labels[held_out].bincount().max().item() / int(held_out.sum())
        run.note(
            f"{self.name}: a linear probe of what the output head sees tells {self.field or 'gender'} in {before:.0%} "
            f"of {int(held_out.sum())} held-out texts before and {after:.0%} after (guessing: {chance:.0%})"
        )

    def _concept(self, run: TrainingRun) -> tuple[Sequence[str], Sequence[str]]:
        if self.field is None:
            sentences, sides = gendered_sentences(self.samples, run.seed)
            return sentences, [str(side) for side in sides]
        having = (document for document in run.documents() if document.text and document.get(self.field) is not None)
        documents = list(islice(having, self.samples))
        return [document.text for document in documents], [str(document.get(self.field)) for document in documents]
