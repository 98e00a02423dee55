"""A config, a corpus and examples to everything that takes part in training."""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import torch

from pluglm.batching.examples import Examples
from pluglm.batching.loader import Loader
from pluglm.config.run_config import RunConfig
from pluglm.corpus.prepare import Corpus
from pluglm.families import Intervention, LossFunction, TrainingRun
from pluglm.training.distribution import make_accelerator
from pluglm.training.parameters import parameter_groups
from pluglm.training.randomness import seed_everything
from pluglm.training.step_module import StepModule

if TYPE_CHECKING:
    from accelerate import Accelerator


@dataclass(frozen=True, slots=True)
class Assembly:
    """The parts of one run. `runs` and `states` are by config path of each intervention; `module` is `step_module` as
    the parallelism wrapped it."""

    config: RunConfig
    corpus: Corpus
    examples: Examples
    accelerator: Accelerator
    model: Any
    step_module: StepModule
    module: torch.nn.Module
    optimizer: torch.optim.Optimizer
    loader: Loader
    runs: dict[str, TrainingRun]
    states: dict[str, dict[str, Any]]
    steps: int

    def acting_at(self, moment: str) -> list[tuple[Intervention, TrainingRun]]:
        """The techniques that act at a moment, in their order, each with its view of the run."""
        chosen = self.config.interventions()
        return [(chosen[path], run) for path, run in self.runs.items() if moment in chosen[path].moments()]


def assemble(config: RunConfig, corpus: Corpus, examples: Examples, note: Callable[[str], None]) -> Assembly:
    """Build model, optimizer, loss and loader, ready for the first step."""
    accelerator = make_accelerator(config.train.precision, config.train.threads)
    # Every process must start from the same weights; what they draw later differs.
    seed_everything(config.seed)
    objective = config.objective
    options = objective.model_options(examples.fitted)
    model = config.model.build(objective.head, examples.tokenizer, config.data.sequence_length, options)
    model.to(accelerator.device)
    auxiliary = torch.nn.ModuleDict()
    loader = Loader(
        objective,
        examples.tokenizer,
        examples.train,
        examples.validation,
        config.seed,
        config.train.batch_size,
        config.train.gradient_accumulation,
        accelerator.device,
        accelerator.process_index,
        accelerator.num_processes,
    )
    steps = planned_steps(config, examples)
    states: dict[str, dict[str, Any]] = {path: {} for path in config.interventions()}
    runs = {
        path: TrainingRun(
            model=model,
            auxiliary=auxiliary,
            tokenizer=examples.tokenizer,
            objective=objective,
            state=state,
            seed=config.seed,
            steps=steps,
            batches=loader.training_batches,
            documents=corpus.train,
            note=note,
        )
        for path, state in states.items()
    }
    loss: LossFunction = objective.loss
    chosen = config.interventions()
    for path, technique in chosen.items():
        if "before_training" in technique.moments():
            technique.before_training(runs[path])
    for path, technique in chosen.items():
        if "wrap_loss" in technique.moments():
            loss = technique.wrap_loss(loss, runs[path])
    step_module = StepModule(model, auxiliary, loss).to(accelerator.device)
    groups = parameter_groups(step_module, config.optimizer.lr, config.optimizer.layer_decay)
    optimizer = config.optimizer.build(groups)
    module = config.parallelism.wrap(step_module, accelerator)
    seed_everything(config.seed, accelerator.process_index)
    return Assembly(
        config, corpus, examples, accelerator, model, step_module, module, optimizer, loader, runs, states, steps
    )


def planned_steps(config: RunConfig, examples: Examples) -> int:
    """How many optimizer steps the settings ask for, over these examples."""
    train = config.train
    if train.steps is not None:
        return train.steps
    per_step = train.batch_size * train.gradient_accumulation
    count = len(examples.train)
    if train.epochs is not None:
        return max(1, math.ceil(train.epochs * count / per_step))
    assert train.tokens is not None
    mean_length = float(examples.train.lengths().mean())
    return max(1, math.ceil(train.tokens / (per_step * mean_length)))
