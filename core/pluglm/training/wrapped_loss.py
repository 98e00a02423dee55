"""The loss that training minimises: the objective's, with what techniques put around it."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING

from pluglm.families import LossFunction, TrainingRun

if TYPE_CHECKING:
    from pluglm.config.run_config import RunConfig


def wrapped_loss(config: RunConfig, runs: Mapping[str, TrainingRun]) -> LossFunction:
    """Let every technique act before training, then wrap the objective's loss, each in the order of the config.

    A run and the plan of a run both build their loss here, so that they compute the same.

    Args:
        runs: what each technique sees of the run, by config path.
    """
    for path, technique in config.acting_at("before_training").items():
        technique.before_training(runs[path])
    loss: LossFunction = config.objective.loss
    for path, technique in config.acting_at("wrap_loss").items():
        loss = technique.wrap_loss(loss, runs[path])
    return loss
