"""A training step, rehearsed: the code of the run without its numbers, for what it computes and the memory it takes.

This module brings torch with it: import it where it is used.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from contextlib import AbstractContextManager, contextmanager, nullcontext
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, cast

import torch

from pluglm.document import Document
from pluglm.families import Batch, TrainingRun
from pluglm.planning.passes import Pass, Update
from pluglm.planning.simulation import Meter, simulated
from pluglm.training.gradients import accumulate_gradients
from pluglm.training.parameters import parameter_groups
from pluglm.training.recomputation import recompute_activations
from pluglm.training.step_module import StepModule
from pluglm.training.wrapped_loss import wrapped_loss

if TYPE_CHECKING:
    from transformers import PreTrainedTokenizerFast

    from pluglm.config.run_config import RunConfig

FORMATS = {"bf16": torch.bfloat16, "fp16": torch.float16}


@dataclass(slots=True)
class Rehearsal:
    """The parts of a run, without numbers. `extra`: bytes beside the trained model's parameters: buffers, teachers."""

    config: RunConfig
    model: Any
    module: StepModule
    meter: Meter
    extra: int

    @property
    def weights(self) -> int:
        """Bytes of all parameters, of what is trained beside the model too."""
        return sum(p.numel() * p.element_size() for p in self.module.parameters())

    @property
    def gradients(self) -> int:
        """Bytes of the gradients of those that are trained."""
        return sum(p.numel() * p.element_size() for p in self.module.parameters() if p.requires_grad)

    def run(self, batch: Batch) -> Pass:
        """Rehearse the forward and backward pass of a micro-batch."""
        meter = self.meter
        kept: list[int] = []
        blocks: list[int] = []
        before, there, counted = meter.begin(), set(meter.sizes), meter.operations

        def forward_is_done(*_: Any) -> None:
            kept.append(meter.live - before)
            blocks.extend(size for key, (size, _) in meter.sizes.items() if key not in there)

        handle = self.module.register_forward_hook(forward_is_done)
        try:
            accumulate_gradients(self.module, [batch], 1, cast(Any, _Autocast(self._autocast)))
        finally:
            handle.remove()
            self.module.zero_grad()
        operations = meter.operations - counted
        return Pass(operations, kept[0], meter.most_wide, meter.most - before, tuple(blocks))

    def update(self) -> Update:
        """Rehearse two steps of the optimizer: the second with what it remembers of the first."""
        chosen, meter = self.config.optimizer, self.meter
        for parameter in self.module.parameters():
            if parameter.requires_grad:
                parameter.grad = torch.zeros_like(parameter)
        before = meter.begin()
        optimizer = chosen.build(parameter_groups(self.module, chosen.lr, chosen.layer_decay))
        optimizer.step()
        state, counted = meter.begin() - before, meter.operations
        optimizer.step()
        found = Update(meter.operations - counted, state, meter.most - before - state)
        self.module.zero_grad()
        return found

    def _autocast(self) -> AbstractContextManager[Any]:
        kind = FORMATS.get(self.config.train.precision)
        return nullcontext() if kind is None else torch.autocast("cpu", kind)


@dataclass(frozen=True, slots=True)
class _Autocast:
    autocast: Any


@contextmanager
def rehearsal(
    config: RunConfig,
    tokenizer: PreTrainedTokenizerFast,
    fitted: Mapping[str, Any],
    batches: Sequence[Batch],
    documents: Sequence[Document],
    steps: int,
    wrapped: bool = True,
) -> Iterator[Rehearsal]:
    """The run of `config`, with what regularizers, debiasers and compressors put around its loss where `wrapped`.
    `batches` and `documents` are what these are shown."""
    objective = config.objective
    options = objective.model_options(fitted)
    with torch.device("meta"):
        model = config.model.outline(objective.head, tokenizer, config.data.sequence_length, options)
    with simulated(len(tokenizer)) as simulation:
        simulation.adopt(model)
        meter = simulation.meter
        if config.train.recompute_activations:
            recompute_activations(model)
        auxiliary = torch.nn.ModuleDict()
        runs = {
            path: TrainingRun(
                model=model,
                auxiliary=auxiliary,
                tokenizer=tokenizer,
                objective=objective,
                state={},
                seed=config.seed,
                steps=steps,
                batches=lambda count: (batches[number % len(batches)] for number in range(count)),
                documents=lambda: iter(documents),
                note=lambda line: None,
            )
            for path in config.interventions()
        }
        loss = wrapped_loss(config, runs) if wrapped else objective.loss
        if len(tokenizer) in (value for name, value in vars(model.config).items() if name != "vocab_size"):
            meter.vocabulary = 0  # hidden states are as wide: logits cannot be told from them
        module = StepModule(model, auxiliary, loss, objective.loss)
        module.train()
        with torch.no_grad():
            objective.loss(model, batches[0])  # what objectives find out of a model once is none of a step
        own = sum(p.numel() * p.element_size() for p in module.parameters())
        yield Rehearsal(config, model, module, meter, meter.begin() - own)
