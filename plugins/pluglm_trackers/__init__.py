"""Services that show runs beside each other."""

from __future__ import annotations

from pluglm import Tracker, hookimpl
from pluglm_trackers.mlflow import Mlflow
from pluglm_trackers.tensorboard import Tensorboard
from pluglm_trackers.wandb import Wandb


@hookimpl
def register_trackers() -> list[type[Tracker]]:
    return [Tensorboard, Mlflow, Wandb]
