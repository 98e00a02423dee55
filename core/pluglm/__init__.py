"""pluglm: language models trained out of interchangeable parts."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from pluglm.batching.encoding import encode_text
    from pluglm.config.run_config import RunConfig
    from pluglm.corpus.document import Document, Dropped, Unreadable
    from pluglm.errors import ConfigError, DataError, PluglmError, Problem
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
        Step,
        Tokenizer,
        TrainingRun,
    )
    from pluglm.hookspecs import hookimpl
    from pluglm.technique import Technique

__version__ = "0.1.0"

__all__ = [
    "SPECIAL_TOKENS",
    "Augmenter",
    "Batch",
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
    "Model",
    "Objective",
    "Optimizer",
    "Parallelism",
    "PluglmError",
    "Predictions",
    "Preprocessor",
    "Problem",
    "Regularizer",
    "RunConfig",
    "Schedule",
    "Score",
    "Scored",
    "Source",
    "Step",
    "Technique",
    "Tokenizer",
    "TrainingRun",
    "Unreadable",
    "encode_text",
    "hookimpl",
]

# In order of weight: `pluglm --help` must not wait for what only a plugin needs.
_HOMES = (
    "pluglm.errors",
    "pluglm.corpus.document",
    "pluglm.hookspecs",
    "pluglm.technique",
    "pluglm.families",
    "pluglm.config.run_config",
    "pluglm.batching.encoding",
)

if not TYPE_CHECKING:

    def __getattr__(name: str) -> object:
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
