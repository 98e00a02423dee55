"""Objectives: predicting the next token, hidden or missing ones, the next sentence, a label, or another text."""

from __future__ import annotations

from pluglm import Objective, hookimpl
from pluglm_objectives.classification import Classification
from pluglm_objectives.clm import Clm
from pluglm_objectives.mlm import Mlm
from pluglm_objectives.mlm_nsp import MlmNsp
from pluglm_objectives.nsp import Nsp
from pluglm_objectives.span_corruption import SpanCorruption
from pluglm_objectives.translation import Translation


@hookimpl
def register_objectives() -> list[type[Objective]]:
    return [Clm, Mlm, Nsp, MlmNsp, SpanCorruption, Classification, Translation]
