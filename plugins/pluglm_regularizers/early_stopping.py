"""Early stopping."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Annotated, ClassVar, Literal

from pydantic import Field

from pluglm import PluglmError, Regularizer, Step, TrainingRun

if TYPE_CHECKING:
    import torch


def copy_weights(model: torch.nn.Module) -> dict[str, torch.Tensor]:
    """Parameters and buffers by name, on the CPU, tied ones once."""
    both = dict(model.named_parameters()) | dict(model.named_buffers())
    return {name: tensor.detach().to("cpu", copy=True) for name, tensor in both.items()}


def restore_weights(model: torch.nn.Module, weights: Mapping[str, torch.Tensor]) -> None:
    """Set in place what `copy_weights` copied."""
    import torch

    with torch.no_grad():
        for name, tensor in (dict(model.named_parameters()) | dict(model.named_buffers())).items():
            tensor.copy_(weights[name])


class EarlyStopping(Regularizer):
    """Ends training when validation no longer improves, and goes back to the best weights.

    Validation happens every `train.eval_every` steps; `patience` of them in a row without a value better than the best
    by more than `min_delta` end the run. The best weights are part of every checkpoint.

    Source: Prechelt 1998, "Early Stopping - But When?".
    """

    works_with_cut: ClassVar = frozenset({"tensors", "layers"})

    monitor: Annotated[str, Field(min_length=1, description="The validation figure to watch")] = "loss"
    mode: Annotated[Literal["min", "max"], Field(description="Whether lower or higher is better")] = "min"
    patience: Annotated[int, Field(ge=1, description="Validations in a row without improvement that end training")] = 3
    min_delta: Annotated[float, Field(ge=0, description="Changes up to this are no improvement")] = 0.0
    restore_best: Annotated[bool, Field(description="End with the best weights instead of the last")] = True

    def should_stop(self, run: TrainingRun, step: Step, validation: Mapping[str, float]) -> str | None:
        """A reason when patience is at its end.

        Raises:
            PluglmError: where there is no such figure.
        """
        if self.monitor not in validation:
            known = ", ".join(sorted(validation))
            raise PluglmError(f"regularizer={self.name}: validation has no {self.monitor!r} to monitor; it has {known}")
        value, state = validation[self.monitor], run.state
        sign = 1.0 if self.mode == "min" else -1.0
        if "best" not in state or sign * value < sign * state["best"] - self.min_delta:
            state.update(best=value, step=step.number, waited=0)
            if self.restore_best:
                state["weights"] = copy_weights(run.model)
            return None
        state["waited"] += 1
        if state["waited"] < self.patience:
            return None
        return (
            f"{self.monitor} has not improved on {state['best']:.4f} (step {state['step']}) "
            f"in {state['waited']} validations"
        )

    def after_training(self, run: TrainingRun) -> None:
        """Go back to the best weights."""
        if "weights" in run.state:
            restore_weights(run.model, run.state["weights"])
            run.note(f"the weights are those of step {run.state['step']}, {self.monitor} {run.state['best']:.4f}")
