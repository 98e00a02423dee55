"""Distillation."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any, Literal

from pydantic import Field

from pluglm import Batch, Compressor, Losses, LossFunction, PluglmError, Problem, TrainingRun

if TYPE_CHECKING:
    import torch
    from transformers import PreTrainedModel, PreTrainedTokenizerFast

    from pluglm.config.run_config import RunConfig

Divergence = Literal["forward_kl", "reverse_kl", "jsd"]
COMPARED_BATCHES = 8


def divergence(student: torch.Tensor, teacher: torch.Tensor, temperature: float, kind: Divergence) -> torch.Tensor:
    """(...) T^2 times the divergence of the softened distributions, in nats, from logits (..., choices).

    `forward_kl` is KL(teacher || student), `reverse_kl` KL(student || teacher), `jsd` the mean of both to their
    mixture. T^2 keeps the gradients' size, whatever the temperature.
    """
    import torch

    p = (teacher.float() / temperature).log_softmax(dim=-1)
    q = (student.float() / temperature).log_softmax(dim=-1)
    if kind == "forward_kl":
        found = _kl(p, q)
    elif kind == "reverse_kl":
        found = _kl(q, p)
    else:
        middle = torch.logaddexp(p, q) - torch.log(torch.tensor(2.0))
        found = (_kl(p, middle) + _kl(q, middle)) / 2
    return found * temperature**2


def _kl(p: torch.Tensor, q: torch.Tensor) -> torch.Tensor:
    return (p.exp() * (p - q)).sum(dim=-1)


def counted_positions(batch: Batch, logits: torch.Tensor, causal: bool) -> tuple[slice, torch.Tensor]:
    """Which positions of (batch, positions, choices) logits the objective counts, as a slice of the positions and a
    (batch, positions) mask; a classifier's (batch, choices) logits are all counted."""
    import torch

    if logits.ndim == 2:
        return slice(None), torch.ones(len(logits), 1, dtype=torch.bool, device=logits.device)
    labels = batch["labels"]
    return (slice(None, -1), labels[:, 1:] != -100) if causal else (slice(None), labels != -100)


def folder_of(path: Path) -> Path | None:
    """The folder with the `config.json`: `path`, or its `model/` where it is a run folder."""
    path = path.expanduser()
    return next((folder for folder in (path / "model", path) if (folder / "config.json").is_file()), None)


class Distillation(Compressor):
    """Trains the model to answer as a larger, trained one does: the loss is (1 - alpha) times the loss so far plus
    alpha times the divergence from the teacher's answers, over the positions that the objective counts.

    The teacher must have the same tokenizer. A run notes when the teacher turns out worse than its student.

    Sources: Hinton et al. 2015, https://arxiv.org/abs/1503.02531; Gu et al. 2023, https://arxiv.org/abs/2306.08543
    (reverse KL); Agarwal et al. 2023, https://arxiv.org/abs/2306.13649 (JSD).
    """

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
        teacher = self.load_teacher(run)
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
        teacher, student = mean_loss(run, self.load_teacher(run)), mean_loss(run, run.model.eval())
        run.model.train(was_training)
        compared = f"a mean loss of {teacher:.3f} against {student:.3f} on {COMPARED_BATCHES} training batches"
        worse = "; a better teacher is needed, or none" if teacher > student else ""
        run.note(f"{self.name}: the teacher is {'worse' if worse else 'better'} than its student: {compared}{worse}")

    def load_teacher(self, run: TrainingRun) -> PreTrainedModel:
        """The teacher with the objective's head, frozen, where the student is.

        Raises:
            PluglmError: where it is no whole model with that head, or has another vocabulary.
        """
        import torch
        import transformers

        folder = folder_of(self.teacher)
        if folder is None:
            raise PluglmError(f"compressor={self.name}: the teacher {self.teacher} holds no model")
        self._check_vocabulary(folder, run.tokenizer)
        try:
            # Drawing what a folder lacks would change what the rest of the run draws.
            with torch.random.fork_rng(devices=[]):
                teacher, found = getattr(transformers, run.objective.head).from_pretrained(
                    folder, use_safetensors=True, local_files_only=True, output_loading_info=True
                )
        except (OSError, ValueError, RuntimeError) as error:
            raise PluglmError(f"compressor={self.name}: the teacher {folder} cannot be loaded: {error}") from error
        if found["missing_keys"]:
            missing = sorted(found["missing_keys"])[0]
            raise PluglmError(
                f"compressor={self.name}: the teacher {folder} is no whole {run.objective.head}; {missing} is missing"
            )
        choices = [model.config.get_text_config().vocab_size for model in (teacher, run.model)]
        labels = [model.config.num_labels for model in (teacher, run.model)]
        what, (its, ours) = ("labels", labels) if "Classification" in run.objective.head else ("tokens", choices)
        if its != ours:
            raise PluglmError(f"compressor={self.name}: the teacher {folder} knows {its} {what}, the student {ours}")
        return teacher.requires_grad_(False).eval().to(run.model.device)  # type: ignore[no-any-return]

    def _check_vocabulary(self, folder: Path, tokenizer: PreTrainedTokenizerFast) -> None:
        from transformers import AutoTokenizer

        try:
            its = AutoTokenizer.from_pretrained(folder, local_files_only=True).get_vocab()
        except (OSError, ValueError) as error:
            raise PluglmError(f"compressor={self.name}: the teacher {folder} has no tokenizer") from error
        ours = tokenizer.get_vocab()
        if its != ours:
            raise PluglmError(
                f"compressor={self.name}: the teacher's vocabulary ({len(its)} tokens) is not the student's "
                f"({len(ours)}); train the student with the teacher's tokenizer"
            )


def mean_loss(run: TrainingRun, model: PreTrainedModel) -> float:
    """The objective's loss of `model` over a few training batches, in nats per term."""
    import torch

    total = count = 0.0
    with torch.no_grad():
        for batch in run.batches(COMPARED_BATCHES):
            losses = run.objective.loss(model, batch)
            total, count = total + float(losses.sums.sum()), count + float(losses.counts.sum())
    return total / max(count, 1e-12)
