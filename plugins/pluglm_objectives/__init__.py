"""Objectives: predicting the next token, hidden tokens, or a label."""

from __future__ import annotations

from pluglm import Objective, hookimpl
from pluglm_objectives.classification import Classification
from pluglm_objectives.clm import Clm
from pluglm_objectives.mlm import Mlm


@hookimpl
def register_objectives() -> list[type[Objective]]:
    return [Clm, Mlm, Classification]
