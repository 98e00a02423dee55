"""Schedules of the learning rate."""

from __future__ import annotations

from pluglm import Schedule, hookimpl
from pluglm_schedules.constant import Constant
from pluglm_schedules.cosine import Cosine
from pluglm_schedules.linear import Linear


@hookimpl
def register_schedules() -> list[type[Schedule]]:
    return [Constant, Linear, Cosine]
