"""pluglm: language models trained out of interchangeable parts."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from pluglm.batching.encoding import encode_text
    from pluglm.config.run_config import RunConfig
    from pluglm.document import Document, Dropped, Unreadable
    from pluglm.errors import ConfigError, DataError, PluglmDeprecationWarning, PluglmError, Problem
    from pluglm.events import CheckpointWritten, MetricsLogged, ReportStarted, RunEnded, RunStarted
    from pluglm.families import (
        SPECIAL_TOKENS,
        Augmenter,
        Batch,
        Compressor,
        CorpusPreprocessor,
        Debiaser,
        Decision,
        Evaluation,
        Evaluator,
        Example,
        Key,
        Keys,
        Losses,
        LossFunction,
        MemoryShares,
        Model,
        Objective,
        Optimizer,
        Parallelism,
        Predictions,
        Preprocessor,
        Regularizer,
        Schedule,
        Score,
        Scored,
        Source,
        SpecialTokens,
        Step,
        Tokenizer,
        Tracker,
        Tracking,
        TrainingRun,
        own_special_tokens,
    )
    from pluglm.hookspecs import hookimpl
    from pluglm.sections import ReportChart, ReportSection, ReportTable
    from pluglm.technique import Technique
    from pluglm.training.parameters import layer_stacks

__version__ = "0.1.0"

__all__ = [
    "SPECIAL_TOKENS",
    "Augmenter",
    "Batch",
    "CheckpointWritten",
    "Compressor",
    "ConfigError",
    "CorpusPreprocessor",
    "DataError",
    "Debiaser",
    "Decision",
    "Document",
    "Dropped",
    "Evaluation",
    "Evaluator",
    "Example",
    "Key",
    "Keys",
    "LossFunction",
    "Losses",
    "MemoryShares",
    "MetricsLogged",
    "Model",
    "Objective",
    "Optimizer",
    "Parallelism",
    "PluglmDeprecationWarning",
    "PluglmError",
    "Predictions",
    "Preprocessor",
    "Problem",
    "Regularizer",
    "ReportChart",
    "ReportSection",
    "ReportStarted",
    "ReportTable",
    "RunConfig",
    "RunEnded",
    "RunStarted",
    "Schedule",
    "Score",
    "Scored",
    "Source",
    "SpecialTokens",
    "Step",
    "Technique",
    "Tokenizer",
    "Tracker",
    "Tracking",
    "TrainingRun",
    "Unreadable",
    "encode_text",
    "hookimpl",
    "layer_stacks",
    "own_special_tokens",
]

# In order of weight: `pluglm --help` must not wait for what only a plugin needs.
_HOMES = (
    "pluglm.errors",
    "pluglm.document",
    "pluglm.hookspecs",
    "pluglm.events",
    "pluglm.sections",
    "pluglm.technique",
    "pluglm.families",
    "pluglm.config.run_config",
    "pluglm.batching.encoding",
    "pluglm.training.parameters",
)

# Names that were exported before, and those to use instead.
_RENAMED: dict[str, str] = {}

if not TYPE_CHECKING:

    def __getattr__(name: str) -> object:
        if name in _RENAMED:
            import warnings

            from pluglm.errors import PluglmDeprecationWarning

            told = f"pluglm.{name} is deprecated: use pluglm.{_RENAMED[name]}"
            warnings.warn(PluglmDeprecationWarning(told), stacklevel=2)
            name = _RENAMED[name]
        if name in globals():
            return globals()[name]
        if name in __all__:
            import importlib

            for home in _HOMES:
                module = importlib.import_module(home)
                if hasattr(module, name):
                    globals()[name] = getattr(module, name)
                    return globals()[name]
        raise AttributeError(f"module 'pluglm' has no attribute {name!r}")

    def __dir__() -> list[str]:
        return sorted({*globals(), *__all__})
