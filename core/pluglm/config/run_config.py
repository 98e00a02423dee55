"""A validated config: the settings, and the chosen technique or techniques of every family."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field, replace
from typing import Any

from pluglm.config.plan_settings import HardwareSettings, PlanSettings
from pluglm.config.settings import DataSettings, LaunchSettings, OutputSettings, TrainSettings
from pluglm.config.sweep_settings import SweepSettings
from pluglm.families import (
    Augmenter,
    Compressor,
    CorpusPreprocessor,
    Debiaser,
    Evaluator,
    Intervention,
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
from pluglm.technique import Technique


@dataclass(frozen=True, slots=True)
class RunConfig:
    """Everything a run is told. Families that take a list map the label a technique has in the config (by default its
    name) to the technique, in order.

    `resolved` is the same as plain data, complete: composing from it gives this config again. `notes` say what was
    decided while it was composed, for whoever runs it.
    """

    name: str
    seed: int
    train: TrainSettings
    data: DataSettings
    output: OutputSettings
    launch: LaunchSettings
    sweep: SweepSettings
    plan: PlanSettings
    hardware: HardwareSettings
    source: Mapping[str, Source]
    preprocessor: Mapping[str, Preprocessor | CorpusPreprocessor]
    augmenter: Mapping[str, Augmenter]
    tokenizer: Tokenizer
    model: Model
    objective: Objective
    optimizer: Optimizer
    schedule: Schedule
    regularizer: Mapping[str, Regularizer]
    debiaser: Mapping[str, Debiaser]
    compressor: Mapping[str, Compressor]
    evaluator: Mapping[str, Evaluator]
    parallelism: Parallelism
    tracker: Mapping[str, Tracker]
    resolved: Mapping[str, Any]
    notes: tuple[str, ...] = field(default=(), compare=False)

    def techniques(self) -> Iterator[tuple[str, Technique]]:
        """Every chosen technique with its config path, in the order of a run."""
        from pluglm.families import FAMILIES

        for family, spec in FAMILIES.items():
            chosen = getattr(self, family)
            if spec.many:
                yield from ((f"{family}.{label}", technique) for label, technique in chosen.items())
            else:
                yield family, chosen

    def interventions(self) -> dict[str, Intervention]:
        """Regularizers, debiasers and compressors by config path, in the order in which they act."""
        return {path: chosen for path, chosen in self.techniques() if isinstance(chosen, Intervention)}

    def acting_at(self, moment: str) -> dict[str, Intervention]:
        """The techniques that act at `moment` (a method of `Intervention`) by config path, in the order in which they
        act."""
        return {path: chosen for path, chosen in self.interventions().items() if moment in chosen.moments()}

    def with_train(self, **values: Any) -> RunConfig:
        """This config with other values of some `train` settings, in `resolved` as well."""
        resolved = {**self.resolved, "train": {**self.resolved["train"], **values}}
        return replace(self, train=self.train.model_copy(update=values), resolved=resolved)
