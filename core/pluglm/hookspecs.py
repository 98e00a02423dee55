"""Everything a plugin can implement, on one page."""

from __future__ import annotations

from collections.abc import Iterable
from typing import TYPE_CHECKING

from pluggy import HookimplMarker, HookspecMarker

if TYPE_CHECKING:
    from pluglm import events
    from pluglm.families import (
        Augmenter,
        Compressor,
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

hookspec = HookspecMarker("pluglm")
hookimpl = HookimplMarker("pluglm")

# Registration: called once when the catalog is read. Each returns classes, and imports nothing heavy to do so.


@hookspec
def register_sources() -> Iterable[type[Source]]:
    """Where documents come from."""
    raise NotImplementedError


@hookspec
def register_preprocessors() -> Iterable[type[Preprocessor]]:
    """Steps over every document, applied in the order the config lists them."""
    raise NotImplementedError


@hookspec
def register_augmenters() -> Iterable[type[Augmenter]]:
    """Makers of changed copies of training documents."""
    raise NotImplementedError


@hookspec
def register_tokenizers() -> Iterable[type[Tokenizer]]:
    """Tokenizers, trained on the training documents."""
    raise NotImplementedError


@hookspec
def register_models() -> Iterable[type[Model]]:
    """Models to train, new or loaded."""
    raise NotImplementedError


@hookspec
def register_objectives() -> Iterable[type[Objective]]:
    """What a model is trained to do: examples and loss."""
    raise NotImplementedError


@hookspec
def register_optimizers() -> Iterable[type[Optimizer]]:
    """Optimizers, built over groups of parameters."""
    raise NotImplementedError


@hookspec
def register_schedules() -> Iterable[type[Schedule]]:
    """The learning rate over the steps of a run."""
    raise NotImplementedError


@hookspec
def register_regularizers() -> Iterable[type[Regularizer]]:
    """Techniques against overfitting."""
    raise NotImplementedError


@hookspec
def register_debiasers() -> Iterable[type[Debiaser]]:
    """Techniques against bias, in the data, the training or the model."""
    raise NotImplementedError


@hookspec
def register_compressors() -> Iterable[type[Compressor]]:
    """Techniques that make a model smaller or faster."""
    raise NotImplementedError


@hookspec
def register_evaluators() -> Iterable[type[Evaluator]]:
    """Measurements of a model, before and after it is changed."""
    raise NotImplementedError


@hookspec
def register_parallelisms() -> Iterable[type[Parallelism]]:
    """Ways to spread a run over processes."""
    raise NotImplementedError


@hookspec
def register_trackers() -> Iterable[type[Tracker]]:
    """Services that show runs beside each other."""
    raise NotImplementedError


# Notification: called on the main process as a run goes on. Return values are not used.


@hookspec
def run_started(event: events.RunStarted) -> None:
    """The run folder exists and the config in it is final; nothing has been read yet."""


@hookspec
def metrics_logged(event: events.MetricsLogged) -> None:
    """A line was added to metrics.jsonl."""


@hookspec
def checkpoint_written(event: events.CheckpointWritten) -> None:
    """A checkpoint is complete on disk."""


@hookspec
def run_ended(event: events.RunEnded) -> None:
    """The run is over, well or not; its report is written if it went well."""
