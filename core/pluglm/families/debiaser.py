"""Debiasers: against bias in the documents, the training or the model."""

from __future__ import annotations

from typing import ClassVar

from pluglm.families.intervention import Intervention


class Debiaser(Intervention):
    """Acts at the moments of `Intervention`. The model is evaluated before and after each that changes it after
    training."""

    family: ClassVar[str] = "debiaser"
    measured_alone: ClassVar[bool] = True
