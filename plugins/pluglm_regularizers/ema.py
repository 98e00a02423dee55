"""The exponential moving average of the weights."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from typing import TYPE_CHECKING, Annotated, ClassVar

from pydantic import Field

from pluglm import Problem, Regularizer, Step, TrainingRun
from pluglm_regularizers.early_stopping import EarlyStopping

if TYPE_CHECKING:
    import torch

    from pluglm import RunConfig


def decay_at(step: int, decay: float, warmup: bool) -> float:
    """How much of the average stays in `step`, counted from 1; with a warm-up at most (1 + step) / (10 + step)."""
    return min(decay, (1 + step) / (10 + step)) if warmup else decay


def trained_weights(model: torch.nn.Module) -> dict[str, torch.nn.Parameter]:
    """The trainable parameters by name, tied ones once."""
    return {name: parameter for name, parameter in model.named_parameters() if parameter.requires_grad}


def set_weights(model: torch.nn.Module, weights: Mapping[str, torch.Tensor]) -> dict[str, torch.Tensor]:
    """Set the trainable parameters in place, and return copies of what they were."""
    import torch

    with torch.no_grad():
        before = {}
        for name, parameter in trained_weights(model).items():
            before[name] = parameter.detach().clone()
            parameter.copy_(weights[name])
    return before


class Ema(Regularizer):
    """Ends with an average of the weights of all steps, in which late ones count most, instead of the last weights.

    average = d average + (1 - d) w after every step, with d = decay; it begins as the weights of the first step. With
    `warmup`, d is at most (1 + t) / (10 + t) in step t, so that the beginning is soon forgotten. Validations measure
    the average, and so does early stopping. It costs a copy of the weights, kept with every checkpoint.

    Sources: Polyak and Juditsky 1992, https://doi.org/10.1137/0330046; Morales-Brotons et al. 2024,
    https://arxiv.org/abs/2411.18704
    """

    works_with_cut: ClassVar = frozenset({"tensors", "layers"})

    decay: Annotated[float, Field(ge=0, lt=1, description="Share of the average that stays in a step")] = 0.99
    warmup: Annotated[bool, Field(description="Let the share grow with the steps")] = True

    def problems(self, run: RunConfig) -> Iterator[Problem]:
        """What goes back to the best average must act behind this."""
        chosen = list(run.regularizer.values())
        before = chosen[: next((place for place, one in enumerate(chosen) if one is self), 0)]
        if any(isinstance(one, EarlyStopping) and one.restore_best for one in before):
            reason = "goes back to the best weights, which the average would then replace"
            order = ",".join(one.name for one in chosen if not isinstance(one, EarlyStopping))
            yield Problem(
                "regularizer",
                f"{EarlyStopping.name} before {self.name} {reason}",
                hint=f"write [{order},{EarlyStopping.name}]",
            )

    def after_step(self, run: TrainingRun, step: Step) -> None:
        """Move the average towards the weights."""
        import torch

        weights = trained_weights(run.model)
        if "weights" not in run.state:
            run.state["weights"] = {name: weight.detach().clone() for name, weight in weights.items()}
            return
        # A checkpoint is read into memory, whatever device it came from.
        average = {name: run.state["weights"][name].to(weight.device) for name, weight in weights.items()}
        run.state["weights"] = average
        share = 1 - decay_at(step.number, self.decay, self.warmup)
        with torch.no_grad():
            # One by one: where some weights are cut over processes and others are not, no kernel takes them together.
            for name, value in average.items():
                value.lerp_(weights[name].detach(), share)

    @contextmanager
    def during_validation(self, run: TrainingRun) -> Iterator[None]:
        """The average in place of the weights."""
        trained = set_weights(run.model, run.state["weights"])
        try:
            yield
        finally:
            set_weights(run.model, trained)

    def after_training(self, run: TrainingRun) -> None:
        """Go over to the average."""
        set_weights(run.model, run.state["weights"])
        run.note(f"the weights are the exponential moving average of all steps, decay {self.decay:g}")
