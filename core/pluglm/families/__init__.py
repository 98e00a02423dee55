"""The families: one abstract class each, and how the config takes them."""

from __future__ import annotations

from dataclasses import dataclass

from pluglm.families.augmenter import Augmenter
from pluglm.families.compressor import Compressor
from pluglm.families.debiaser import Debiaser
from pluglm.families.evaluator import Evaluation, Evaluator, Score
from pluglm.families.intervention import Intervention, Step, TrainingRun
from pluglm.families.model import Model
from pluglm.families.objective import Batch, Example, Losses, LossFunction, Objective, Predictions, Scored
from pluglm.families.optimizer import Optimizer
from pluglm.families.parallelism import MemoryShares, Parallelism
from pluglm.families.preprocessor import CorpusPreprocessor, Decision, Key, Keys, Preprocessor
from pluglm.families.regularizer import Regularizer
from pluglm.families.schedule import Schedule
from pluglm.families.source import Source
from pluglm.families.special_tokens import SpecialTokens, own_special_tokens
from pluglm.families.tokenizer import SPECIAL_TOKENS, Tokenizer
from pluglm.families.tracker import Tracker, Tracking
from pluglm.technique import Technique

__all__ = [
    "FAMILIES",
    "SPECIAL_TOKENS",
    "Augmenter",
    "Batch",
    "Compressor",
    "CorpusPreprocessor",
    "Debiaser",
    "Decision",
    "Evaluation",
    "Evaluator",
    "Example",
    "Family",
    "Intervention",
    "Key",
    "Keys",
    "LossFunction",
    "Losses",
    "MemoryShares",
    "Model",
    "Objective",
    "Optimizer",
    "Parallelism",
    "Predictions",
    "Preprocessor",
    "Regularizer",
    "Schedule",
    "Score",
    "Scored",
    "Source",
    "SpecialTokens",
    "Step",
    "Tokenizer",
    "Tracker",
    "Tracking",
    "TrainingRun",
    "own_special_tokens",
]


@dataclass(frozen=True, slots=True)
class Family:
    """`base`: the class its techniques derive from. `hook`: the hook that registers them. `many`: whether a run takes
    an ordered list of them, or exactly one. `needed`: whether a run must have at least one. `also`: other classes that
    they may derive from instead."""

    base: type[Technique]
    hook: str
    many: bool = False
    needed: bool = False
    also: tuple[type[Technique], ...] = ()

    def contract(self, technique: type[Technique]) -> type[Technique] | None:
        """The one of its classes that a technique derives from; None where it is of another family."""
        return next((base for base in (self.base, *self.also) if issubclass(technique, base)), None)


# In the order in which a run meets them.
FAMILIES: dict[str, Family] = {
    "source": Family(Source, "register_sources", many=True, needed=True),
    "preprocessor": Family(Preprocessor, "register_preprocessors", many=True, also=(CorpusPreprocessor,)),
    "augmenter": Family(Augmenter, "register_augmenters", many=True),
    "tokenizer": Family(Tokenizer, "register_tokenizers"),
    "model": Family(Model, "register_models"),
    "objective": Family(Objective, "register_objectives"),
    "optimizer": Family(Optimizer, "register_optimizers"),
    "schedule": Family(Schedule, "register_schedules"),
    "regularizer": Family(Regularizer, "register_regularizers", many=True),
    "debiaser": Family(Debiaser, "register_debiasers", many=True),
    "compressor": Family(Compressor, "register_compressors", many=True),
    "evaluator": Family(Evaluator, "register_evaluators", many=True),
    "parallelism": Family(Parallelism, "register_parallelisms"),
    "tracker": Family(Tracker, "register_trackers", many=True),
}
