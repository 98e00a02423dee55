"""Regularizers: against overfitting."""

from __future__ import annotations

from typing import ClassVar

from pluglm.families.intervention import Intervention


class Regularizer(Intervention):
    """Acts at the moments of `Intervention`."""

    family: ClassVar[str] = "regularizer"
