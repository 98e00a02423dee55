"""Schedules of the learning rate."""

from __future__ import annotations

from pluglm import Schedule, hookimpl
from pluglm_schedules.constant import Constant
from pluglm_schedules.cosine import Cosine
from pluglm_schedules.inverse_sqrt import InverseSqrt
from pluglm_schedules.linear import Linear
from pluglm_schedules.polynomial import Polynomial
from pluglm_schedules.wsd import Wsd


@hookimpl
def register_schedules() -> list[type[Schedule]]:
    return [Constant, Linear, Cosine, InverseSqrt, Polynomial, Wsd]
