"""Everything a plugin can implement, on one page."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from pathlib import Path
from typing import TYPE_CHECKING, TypeVar

from pluggy import HookimplMarker, HookspecMarker

from pluglm.errors import PluglmDeprecationWarning

if TYPE_CHECKING:
    from pluglm import events
    from pluglm.families import (
        Augmenter,
        Compressor,
        CorpusPreprocessor,
        Debiaser,
        Evaluator,
        Model,
        Objective,
        Optimizer,
        Parallelism,
        Preprocessor,
        Regularizer,
        Schedule,
        Source,
        Tokenizer,
        Tracker,
    )
    from pluglm.sections import ReportSection
    from pluglm.verbs import Verb

hookspec = HookspecMarker("pluglm")
hookimpl = HookimplMarker("pluglm")

F = TypeVar("F", bound=Callable[..., object])


def since(version: str, instead: str = "") -> Callable[[F], F]:
    """Marks a hook with the version that brought it, and one that is deprecated with what to implement `instead`: a
    plugin that implements it works as before, and is told."""

    def mark(hook: F) -> F:
        told = PluglmDeprecationWarning(f"hook {hook.__name__} is deprecated: {instead}") if instead else None
        hook.__dict__["since"] = version
        hook.__dict__["instead"] = instead
        return hookspec(warn_on_impl=told)(hook)

    return mark


# Registration: called once when the catalog is read. Each returns classes, and imports nothing heavy to do so.


@since("0.1")
def register_sources() -> Iterable[type[Source]]:
    """Where documents come from."""
    raise NotImplementedError


@since("0.1")
def register_preprocessors() -> Iterable[type[Preprocessor | CorpusPreprocessor]]:
    """Steps over every document, applied in the order the config lists them."""
    raise NotImplementedError


@since("0.1")
def register_augmenters() -> Iterable[type[Augmenter]]:
    """Makers of changed copies of training documents."""
    raise NotImplementedError


@since("0.1")
def register_tokenizers() -> Iterable[type[Tokenizer]]:
    """Tokenizers, trained on the training documents."""
    raise NotImplementedError


@since("0.1")
def register_models() -> Iterable[type[Model]]:
    """Models to train, new or loaded."""
    raise NotImplementedError


@since("0.1")
def register_objectives() -> Iterable[type[Objective]]:
    """What a model is trained to do: examples and loss."""
    raise NotImplementedError


@since("0.1")
def register_optimizers() -> Iterable[type[Optimizer]]:
    """Optimizers, built over groups of parameters."""
    raise NotImplementedError


@since("0.1")
def register_schedules() -> Iterable[type[Schedule]]:
    """The learning rate over the steps of a run."""
    raise NotImplementedError


@since("0.1")
def register_regularizers() -> Iterable[type[Regularizer]]:
    """Techniques against overfitting."""
    raise NotImplementedError


@since("0.1")
def register_debiasers() -> Iterable[type[Debiaser]]:
    """Techniques against bias, in the data, the training or the model."""
    raise NotImplementedError


@since("0.1")
def register_compressors() -> Iterable[type[Compressor]]:
    """Techniques that make a model smaller or faster."""
    raise NotImplementedError


@since("0.1")
def register_evaluators() -> Iterable[type[Evaluator]]:
    """Measurements of a model, before and after it is changed."""
    raise NotImplementedError


@since("0.1")
def register_parallelisms() -> Iterable[type[Parallelism]]:
    """Ways to spread a run over processes."""
    raise NotImplementedError


@since("0.1")
def register_trackers() -> Iterable[type[Tracker]]:
    """Services that show runs beside each other."""
    raise NotImplementedError


@since("0.1")
def register_recipes() -> Iterable[str | Path]:
    """Folders, or packages that hold them, with recipes: `experiment/*.yaml`, `sweep/*.yaml` and `hardware/*.yaml`.
    They are chosen like the built-in ones (`experiment=NAME`). A package is named, and not imported."""
    raise NotImplementedError


@since("0.1")
def register_verbs() -> Iterable[Verb]:
    """Verbs of the command line, `pluglm NAME`. The answer is kept until an installed package or a file that plugins
    were imported from changes, so that it must depend on the code alone."""
    raise NotImplementedError


# Contribution: called when something is made, for what a plugin has to add to it.


@since("0.1")
def report_sections(event: events.ReportStarted) -> Iterable[ReportSection]:
    """Sections for the end of a run's report, as data: the page escapes and draws them. Called whenever a report is
    written, also of runs that failed, or were made without the plugin: what is missing in `event` is empty."""
    raise NotImplementedError


@since("0.1")
def sweep_ended(event: events.SweepEnded) -> Iterable[str | Path]:
    """What is said of a sweep at its end. Text is printed above the counts of its members. The path of a file that the
    plugin wrote into the folder of the sweep is printed below them, after its name (`Table: .../table.html`)."""
    raise NotImplementedError


# Notification: called on the main process as a run goes on. Return values are not used.


@since("0.1")
def run_started(event: events.RunStarted) -> None:
    """The run folder exists and the config in it is final; nothing has been read yet."""


@since("0.1")
def metrics_logged(event: events.MetricsLogged) -> None:
    """A line was added to metrics.jsonl."""


@since("0.1")
def checkpoint_written(event: events.CheckpointWritten) -> None:
    """A checkpoint is complete on disk."""


@since("0.1")
def run_ended(event: events.RunEnded) -> None:
    """The run is over, well or not; its report is written if it went well."""
