"""The settings groups of a config by name, and its single values."""

from __future__ import annotations

from pydantic import BaseModel

from pluglm.config.plan_settings import HardwareSettings, PlanSettings
from pluglm.config.settings import DataSettings, LaunchSettings, OutputSettings, TrainSettings
from pluglm.config.sweep_settings import SweepSettings

SETTINGS: dict[str, type[BaseModel]] = {
    "train": TrainSettings,
    "data": DataSettings,
    "output": OutputSettings,
    "launch": LaunchSettings,
    "sweep": SweepSettings,
    "plan": PlanSettings,
    "hardware": HardwareSettings,
}
SCALARS: dict[str, type] = {"name": str, "seed": int}
