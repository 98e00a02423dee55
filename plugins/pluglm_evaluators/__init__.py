"""Measurements of a model."""

from __future__ import annotations

from pluglm import Evaluator, hookimpl
from pluglm_evaluators.continuation import Continuation
from pluglm_evaluators.perplexity import Perplexity
from pluglm_evaluators.stereotype_pairs import StereotypePairs
from pluglm_evaluators.task_metrics import TaskMetrics
from pluglm_evaluators.translation_metrics import TranslationMetrics


@hookimpl
def register_evaluators() -> list[type[Evaluator]]:
    return [Perplexity, TaskMetrics, StereotypePairs, TranslationMetrics, Continuation]
