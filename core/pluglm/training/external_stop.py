"""Ending the training of a run from outside, such as a sweep that prunes its members."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import TYPE_CHECKING

from pluglm.families import Step
from pluglm.training.distribution import agreed

if TYPE_CHECKING:
    from accelerate import Accelerator

GoOn = Callable[[int, Mapping[str, float]], str | None]
"""Given a step and what its validation measured: None, or why training should end."""


def asked_together(
    go_on: GoOn, steps: int, accelerator: Accelerator
) -> Callable[[Step, Mapping[str, float]], str | None]:
    """The main process asks, and all hear the answer. At the last of the `steps` there is nothing to end."""

    def ask(step: Step, validation: Mapping[str, float]) -> str | None:
        reason = go_on(step.number, validation) if accelerator.is_main_process else None
        return agreed(reason, accelerator) if step.number < steps else None

    return ask
