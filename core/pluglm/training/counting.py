"""Count the floating-point operations of one training step."""

from __future__ import annotations

from contextlib import ExitStack
from typing import TYPE_CHECKING, Any

from pluglm.families import Step

if TYPE_CHECKING:
    import torch

    from pluglm.config.settings import TrainSettings

COUNTED_STEP = 2
"""The step that is counted: in the first one, techniques may try things out."""


class CountedStep:
    """Counts the operations of one step between the calls of `done` around it, which slows that one down by a little.

    `operations` stays None where it is not counted: in several processes, in compiled models, and where the run goes on
    after that step. `parameters` are those of the model.
    """

    def __init__(self, model: torch.nn.Module, train: TrainSettings, processes: int) -> None:
        self.parameters = sum(parameter.numel() for parameter in model.parameters())
        self.operations: int | None = None
        self._counts = processes == 1 and not train.compile and train.eval_every != 1
        self._counter: Any = None
        self._open = ExitStack()

    def __enter__(self) -> CountedStep:
        return self

    def __exit__(self, *error: object) -> None:
        self._counter = None
        self._open.close()

    def done(self, step: Step) -> None:
        """Begin after the step before, and stop after the step."""
        if self._counts and step.number == COUNTED_STEP - 1:
            from pluglm.training.operations import counted

            self._counter = self._open.enter_context(counted())
        elif self._counter is not None:
            self.operations = self._counter.total
            self._counter = None
            self._open.close()
