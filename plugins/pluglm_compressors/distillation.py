"""Distillation."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any, ClassVar

from pydantic import Field

from pluglm import Batch, Compressor, Losses, LossFunction, Problem, TrainingRun
from pluglm_compressors.divergence import Divergence, counted_positions, divergence
from pluglm_compressors.teacher import folder_of, load_teacher

if TYPE_CHECKING:
    from transformers import PreTrainedModel

    from pluglm import RunConfig

COMPARED_BATCHES = 8


class Distillation(Compressor):
    """Trains the model to answer as a larger, trained one does.

    The loss is (1 - alpha) times the loss so far plus alpha times the divergence from the teacher's answers, over the
    positions that the objective counts. The teacher must have the same tokenizer. A run notes when the teacher turns
    out worse than its student.

    Sources: Hinton et al. 2015, https://arxiv.org/abs/1503.02531; Gu et al. 2023, https://arxiv.org/abs/2306.08543
    (reverse KL); Agarwal et al. 2023, https://arxiv.org/abs/2306.13649 (JSD).
    """

    works_with_cut: ClassVar = frozenset({"tensors", "layers"})

    teacher: Annotated[Path, Field(description="A run folder, or a folder with config.json and model.safetensors")]
    alpha: Annotated[float, Field(ge=0, le=1, description="Share of the teacher in the loss; 0 for none")] = 0.5
    temperature: Annotated[float, Field(gt=0, description="Softens both distributions, above 1")] = 2.0
    divergence: Annotated[Divergence, Field(description="How the student's answers are compared")] = "forward_kl"

    def problems(self, run: RunConfig) -> Iterator[Problem]:
        """The teacher must be there."""
        path = f"compressor.{next(label for label, chosen in run.compressor.items() if chosen is self)}.teacher"
        folder = folder_of(self.teacher)
        if folder is None:
            there = self.teacher.expanduser().exists()
            reason = "has no config.json of a transformers model, nor has its model/" if there else "does not exist"
            yield Problem(path, reason, self.teacher, "write the folder of a finished run")
        elif not any(folder.glob("*.safetensors")):
            yield Problem(path, "has no weights as .safetensors, the only format read", self.teacher)

    def wrap_loss(self, loss: LossFunction, run: TrainingRun) -> LossFunction:
        """The loss mixed with the divergence from the teacher; as it is for alpha=0.

        Raises:
            PluglmError: where the teacher cannot be loaded, or reads other tokens.
        """
        import torch

        if self.alpha == 0:
            return loss
        teacher = load_teacher(self.teacher, run)
        causal = run.objective.head == "AutoModelForCausalLM"

        def distilled_loss(model: PreTrainedModel, batch: Batch, **forward: Any) -> Losses:
            losses = loss(model, batch, **forward)
            with torch.no_grad():
                targets = run.objective.loss(teacher, batch).outputs.logits
            logits = losses.outputs.logits
            span, counted = counted_positions(batch, logits, causal)
            if logits.ndim == 2:
                logits, targets = logits[:, None], targets[:, None]
            found = divergence(logits[:, span][counted], targets[:, span][counted], self.temperature, self.divergence)
            by_example = found.new_zeros(counted.shape).masked_scatter(counted, found).sum(dim=1)
            mean = by_example / counted.sum(dim=1).clamp(min=1)
            sums = (1 - self.alpha) * losses.sums + self.alpha * mean * losses.counts
            return replace(losses, sums=sums, metrics={**losses.metrics, "divergence": mean.detach().mean()})

        return distilled_loss

    def after_training(self, run: TrainingRun) -> None:
        """Note it where the teacher is worse than the student."""
        if self.alpha == 0:
            return
        was_training = run.model.training
        teacher, student = mean_loss(run, load_teacher(self.teacher, run)), mean_loss(run, run.model.eval())
        run.model.train(was_training)
        compared = f"a mean loss of {teacher:.3f} against {student:.3f} on {COMPARED_BATCHES} training batches"
        worse = "; a better teacher is needed, or none" if teacher > student else ""
        run.note(f"{self.name}: the teacher is {'worse' if worse else 'better'} than its student: {compared}{worse}")


def mean_loss(run: TrainingRun, model: PreTrainedModel) -> float:
    """The objective's loss of `model` over a few training batches, in nats per term."""
    import torch

    total = count = 0.0
    with torch.no_grad():
        for batch in run.batches(COMPARED_BATCHES):
            losses = run.objective.loss(model, batch)
            total, count = total + float(losses.sums.sum()), count + float(losses.counts.sum())
    return total / max(count, 1e-12)
