"""A training step, rehearsed: the code of the run without its numbers, for what it computes and the memory it takes.

This module brings torch with it: import it where it is used.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from contextlib import AbstractContextManager, contextmanager, nullcontext
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, cast

import torch

from pluglm.corpus.document import Document
from pluglm.families import Batch, LossFunction, TrainingRun
from pluglm.planning.operations import operation_counter
from pluglm.planning.parameters import by_role
from pluglm.planning.simulation import Meter, simulated
from pluglm.training.gradients import accumulate_gradients
from pluglm.training.parameters import parameter_groups
from pluglm.training.recomputation import recompute_activations
from pluglm.training.step_module import StepModule

if TYPE_CHECKING:
    from transformers import PreTrainedTokenizerFast

    from pluglm.config.run_config import RunConfig

FORMATS = {"bf16": torch.bfloat16, "fp16": torch.float16}


@dataclass(frozen=True, slots=True)
class Memory:
    """Bytes of a training step. `weights`, `gradients`, `optimizer` and `extra` (buffers, and models beside) lie there
    throughout, `activations` from the forward to the backward pass; `logits` is the most that tensors as wide as the
    vocabulary take at once. `step` is the most of all tensors at once, `logged` where the step is logged, which keeps
    the weights from before it, and `saved` while a checkpoint is written."""

    weights: int
    gradients: int
    optimizer: int
    extra: int
    activations: int
    logits: int
    step: int
    logged: int
    saved: int


@dataclass(slots=True)
class Rehearsal:
    """The parts of a run, without numbers."""

    config: RunConfig
    module: StepModule
    meter: Meter
    parameters: dict[str, int]
    model_config: Any

    def operations(self, batch: Batch) -> int:
        """Floating-point operations of the forward and backward pass of a micro-batch."""
        self.module.train()
        with operation_counter() as counter:
            self._gradients([batch])
        self._forget()
        return int(counter.get_total_flops())

    def memory(self, batch: Batch) -> tuple[Memory, int]:
        """The memory of a step with micro-batches such as this one, and the operations of its optimizer."""
        config, meter = self.config, self.meter
        parameters = [p for p in self.module.parameters() if p.requires_grad]
        weights = sum(p.numel() * p.element_size() for p in self.module.parameters())
        gradients = sum(p.numel() * p.element_size() for p in parameters)
        extra = meter.begin() - weights
        chosen = config.optimizer
        optimizer = chosen.build(parameter_groups(self.module, chosen.lr, chosen.layer_decay))
        micro = [batch] * min(2, config.train.gradient_accumulation)
        activations = self._saved_for_backward(batch)
        for _ in range(2):  # the second time with what the optimizer remembers of the first
            before = meter.begin()
            self._gradients(micro)
            step = meter.most
            meter.begin()
            with operation_counter() as counter:
                optimizer.step()
            step, stepping = max(step, meter.most), meter.most
            logits = meter.most_wide
            optimizer.zero_grad()
        state = before - weights - extra
        del optimizer
        memory = Memory(
            weights=weights,
            gradients=gradients,
            optimizer=state,
            extra=extra,
            activations=activations,
            logits=logits,
            step=step,
            logged=max(step, stepping + gradients),
            saved=0,
        )
        return memory, int(counter.get_total_flops())

    def _saved_for_backward(self, batch: Batch) -> int:
        before = self.meter.begin()
        with self._autocast():
            loss, _, _ = self.module(batch)
        kept = self.meter.live - before
        del loss
        return kept

    def _gradients(self, batches: Sequence[Batch]) -> None:
        accumulate_gradients(self.module, batches, len(batches), cast(Any, _Autocast(self._autocast)))

    def _autocast(self) -> AbstractContextManager[Any]:
        kind = FORMATS.get(self.config.train.precision)
        return nullcontext() if kind is None else torch.autocast("cpu", kind)

    def _forget(self) -> None:
        for parameter in self.module.parameters():
            parameter.grad = None


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
    """The run of `config`, with what regularizers, debiasers and compressors put around its loss where `wrapped`."""
    objective = config.objective
    options = objective.model_options(fitted)
    with simulated(len(tokenizer)) as meter:
        model = config.model.outline(objective.head, tokenizer, config.data.sequence_length, options)
        roles = by_role(model)
        if config.train.recompute_activations:
            recompute_activations(model)
        auxiliary, loss = torch.nn.ModuleDict(), cast(LossFunction, objective.loss)
        for path, technique in config.interventions().items() if wrapped else ():
            run = TrainingRun(
                model=model,
                auxiliary=auxiliary,
                tokenizer=tokenizer,
                objective=objective,
                state={},
                seed=config.seed,
                steps=steps,
                batches=lambda count: iter([batches[i % len(batches)] for i in range(count)]),
                documents=lambda: iter(documents),
                note=lambda line: None,
            )
            if "before_training" in technique.moments():
                technique.before_training(run)
            if "wrap_loss" in technique.moments():
                loss = technique.wrap_loss(loss, run)
        module = StepModule(model, auxiliary, loss, objective.loss)
        module.train()
        yield Rehearsal(config, module, meter, roles, model.config)
