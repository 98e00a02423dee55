"""pluglm: language models trained out of interchangeable parts."""

from __future__ import annotations

# As type checkers know it: typing is not imported for it, because `pluglm --help` would wait for that.
TYPE_CHECKING = False
if TYPE_CHECKING:
    from pluglm.batching.text_encoding import encode_text
    from pluglm.config.identity import comparable_losses, computed_keys
    from pluglm.config.run_config import RunConfig
    from pluglm.document import Document, Dropped, Unreadable
    from pluglm.errors import ConfigError, DataError, PluglmDeprecationWarning, PluglmError, Problem
    from pluglm.events import CheckpointWritten, MetricsLogged, ReportStarted, RunEnded, RunStarted, SweepEnded
    from pluglm.families import (
        FAMILIES,
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
    from pluglm.files.replacing import write_text
    from pluglm.formatting import format_number, format_seconds, format_size
    from pluglm.hookspecs import hookimpl
    from pluglm.reporting.charts import CHART_COLOURS, svg_chart
    from pluglm.reporting.html import page_environment
    from pluglm.runs.run_data import RunData, read_run
    from pluglm.sections import ReportChart, ReportSection, ReportTable
    from pluglm.technique import Technique
    from pluglm.training.parameters import layer_stacks
    from pluglm.verbs import Arguments, Flag, Verb

__version__ = "0.1.0"

__all__ = [
    "CHART_COLOURS",
    "FAMILIES",
    "SPECIAL_TOKENS",
    "Arguments",
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
    "Flag",
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
    "RunData",
    "RunEnded",
    "RunStarted",
    "Schedule",
    "Score",
    "Scored",
    "Source",
    "SpecialTokens",
    "Step",
    "SweepEnded",
    "Technique",
    "Tokenizer",
    "Tracker",
    "Tracking",
    "TrainingRun",
    "Unreadable",
    "Verb",
    "comparable_losses",
    "computed_keys",
    "encode_text",
    "format_number",
    "format_seconds",
    "format_size",
    "hookimpl",
    "layer_stacks",
    "own_special_tokens",
    "page_environment",
    "read_run",
    "svg_chart",
    "write_text",
]

# In order of weight: `pluglm --help` must not wait for what only a plugin needs.
_HOMES = (
    "pluglm.errors",
    "pluglm.document",
    "pluglm.verbs",
    "pluglm.hookspecs",
    "pluglm.events",
    "pluglm.sections",
    "pluglm.technique",
    "pluglm.families",
    "pluglm.config.run_config",
    "pluglm.batching.text_encoding",
    "pluglm.training.parameters",
)

# For tools around runs. None of the modules above has to be imported for these.
_TOOLS = {
    "CHART_COLOURS": "pluglm.reporting.charts",
    "RunData": "pluglm.runs.run_data",
    "comparable_losses": "pluglm.config.identity",
    "computed_keys": "pluglm.config.identity",
    "format_number": "pluglm.formatting",
    "format_seconds": "pluglm.formatting",
    "format_size": "pluglm.formatting",
    "page_environment": "pluglm.reporting.html",
    "read_run": "pluglm.runs.run_data",
    "svg_chart": "pluglm.reporting.charts",
    "write_text": "pluglm.files.replacing",
}

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

            for home in (_TOOLS[name],) if name in _TOOLS else _HOMES:
                module = importlib.import_module(home)
                if hasattr(module, name):
                    globals()[name] = getattr(module, name)
                    return globals()[name]
        raise AttributeError(f"module 'pluglm' has no attribute {name!r}")

    def __dir__() -> list[str]:
        return sorted({*globals(), *__all__})
