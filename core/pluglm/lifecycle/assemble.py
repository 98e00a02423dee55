"""A config, a corpus and examples to everything that takes part in training."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, fields, replace
from typing import TYPE_CHECKING, Any

import torch

from pluglm.batching.examples import Examples
from pluglm.batching.loader import Loader
from pluglm.batching.steps import batch_size, planned_steps, warmups
from pluglm.config.run_config import RunConfig
from pluglm.corpus.prepared import Corpus
from pluglm.errors import PluglmError
from pluglm.families import Intervention, TrainingRun
from pluglm.lifecycle.auto_settings import settled_batch_size, with_precision, with_threads
from pluglm.tensors import groups_by_mesh
from pluglm.training.compiling import compile_layers
from pluglm.training.parameters import parameter_groups
from pluglm.training.randomness import seed_everything
from pluglm.training.recomputation import recompute_activations
from pluglm.training.state import restore_model
from pluglm.training.step_module import StepModule
from pluglm.training.wrapped_loss import wrapped_loss

if TYPE_CHECKING:
    from accelerate import Accelerator


@dataclass(frozen=True, slots=True)
class Parts:
    """The parts of one run, the model whole. `runs` and `states` are by config path of each intervention."""

    config: RunConfig
    corpus: Corpus
    examples: Examples
    accelerator: Accelerator
    model: Any
    step_module: StepModule
    loader: Loader
    runs: dict[str, TrainingRun]
    states: dict[str, dict[str, Any]]
    steps: int

    def acting_at(self, moment: str) -> list[tuple[Intervention, TrainingRun]]:
        """The techniques that act at a moment, in their order, each with its view of the run."""
        return [(technique, self.runs[path]) for path, technique in self.config.acting_at(moment).items()]


@dataclass(frozen=True, slots=True)
class Assembly(Parts):
    """What training needs: `module` is `step_module` as the parallelism wrapped it, which may have cut the model;
    `base_rates` are the peak learning rates of the optimizer's groups."""

    module: torch.nn.Module
    optimizer: torch.optim.Optimizer
    base_rates: list[float]


def assemble(config: RunConfig, corpus: Corpus, examples: Examples, note: Callable[[str], None]) -> Assembly:
    """Build model, optimizer, loss and loader, ready for the first step."""
    return spread(prepare_parts(config, corpus, examples, note))


def spread(parts: Parts) -> Assembly:
    """The parts of a run in this process, as its parallelism has them, with the optimizer.

    Raises:
        PluglmError: where there are not as many processes as it needs.
    """
    parallelism, there = parts.config.parallelism, parts.accelerator.num_processes
    if there != parallelism.world_size():
        raise PluglmError(f"parallelism={parallelism.name} needs {parallelism.world_size()} processes, not {there}")
    module = parallelism.wrap(parts.step_module, parts.accelerator)
    chosen = parts.config.optimizer
    groups = parameter_groups(parts.step_module, chosen.lr, chosen.layer_decay)
    optimizer = chosen.build(groups_by_mesh(groups))
    # Where processes compute different examples, what they draw must differ.
    seed_everything(parts.config.seed, parallelism.share(parts.accelerator.process_index)[0])
    return Assembly(
        **{field.name: getattr(parts, field.name) for field in fields(Parts)},
        module=module,
        optimizer=optimizer,
        base_rates=[group["lr"] for group in optimizer.param_groups],
    )


def whole_again(assembly: Assembly, note: Callable[[str], None], state: Mapping[str, Any]) -> Parts:
    """The parts of a run whose parallelism cut the model, with a whole model built anew in this process alone, and the
    `state` that training ended with."""
    config, corpus, examples = assembly.config, assembly.corpus, assembly.examples
    parts = prepare_parts(config, corpus, examples, note, assembly.accelerator)
    restore_model(state, parts.step_module, parts.states)
    return parts


def prepare_parts(
    config: RunConfig,
    corpus: Corpus,
    examples: Examples,
    note: Callable[[str], None],
    accelerator: Accelerator | None = None,
) -> Parts:
    """Build model, loss and loader. What the config leaves to the machine (`auto`) is settled in the config of the
    result."""
    if accelerator is None:
        config, accelerator = with_precision(with_threads(config, note), note)
    share, shares = config.parallelism.share(accelerator.process_index)
    # Every process must start from the same weights.
    seed_everything(config.seed)
    objective = config.objective
    options = objective.model_options(examples.fitted)
    model = config.model.build(objective.head, examples.tokenizer, config.data.sequence_length, options)
    if config.train.recompute_activations:
        recompute_activations(model)
    model.to(accelerator.device)
    auxiliary = torch.nn.ModuleDict()
    loader = Loader(
        objective=objective,
        tokenizer=examples.tokenizer,
        train=examples.train,
        validation=examples.validation,
        seed=config.seed,
        batch_size=1 if config.train.batch_size == "auto" else config.train.batch_size,
        accumulation=config.train.gradient_accumulation,
        device=accelerator.device,
        share=share,
        shares=shares,
        workers=config.train.loader_workers,
    )
    chosen = config.interventions()
    states: dict[str, dict[str, Any]] = {path: {} for path in chosen}

    def run_of(path: str, loader: Loader, steps: int) -> TrainingRun:
        return TrainingRun(
            model=model,
            auxiliary=auxiliary,
            tokenizer=examples.tokenizer,
            objective=objective,
            state=states[path],
            seed=config.seed,
            steps=steps,
            batches=loader.training_batches,
            documents=corpus.train,
            note=note,
        )

    if config.train.batch_size == "auto":
        probe = StepModule(model, auxiliary, objective.loss, objective.loss)
        config = config.with_train(batch_size=settled_batch_size(probe, loader, accelerator, note))
    steps = planned_steps(config, examples)
    loader = replace(loader, batch_size=batch_size(config), warmups=warmups(config, steps))
    runs = {path: run_of(path, loader, steps) for path in chosen}
    loss = wrapped_loss(config, runs)
    if config.train.compile:
        compile_layers(model)
    step_module = StepModule(model, auxiliary, loss, objective.loss).to(accelerator.device)
    return Parts(
        config=config,
        corpus=corpus,
        examples=examples,
        accelerator=accelerator,
        model=model,
        step_module=step_module,
        loader=loader,
        runs=runs,
        states=states,
        steps=steps,
    )
