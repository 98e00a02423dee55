"""A training step whose model is divided into stages, one in each process, that hand micro-batches on."""

from __future__ import annotations

from math import fsum
from statistics import fmean
from typing import Any, Literal

import torch
import torch.distributed as dist
from torch.distributed.pipelining import PipelineStage, Schedule1F1B, ScheduleGPipe

from pluglm import Batch, PluglmError
from pluglm_parallelism.stages import Reached, StageModel

Order = Literal["gpipe", "1f1b"]
Result = tuple[torch.Tensor, torch.Tensor, dict[str, torch.Tensor]]

PREFIX = "batch_"
"""Of what is in a batch, so that no name means something to torch's schedules."""
KEPT = 8
"""Shapes of batches for which buffers are kept."""


class Stage(torch.nn.Module):
    """What one process computes of a micro-batch: hidden states for the next, or, in the last, the sum of losses."""

    def __init__(self, module: Any, held: StageModel, last: bool) -> None:
        super().__init__()
        self.module = module
        self.rest: Batch = {}
        self.results: list[Result] = []
        self._held = held
        self._last = last

    def forward(self, received: torch.Tensor, **batch: torch.Tensor) -> torch.Tensor:
        """`received`: hidden states; in the first stage the tokens, which are in the batch too."""
        if self._held.entrance is not None:
            self._held.entrance.receive(received)
        try:
            own = {name.removeprefix(PREFIX): value for name, value in batch.items()}
            loss, count, means = self.module(self.rest | own)
        except Reached as end:
            hidden = end.hidden.float()
            # Where all before here is frozen, the next stage still sends a gradient.
            return hidden if hidden.requires_grad else hidden.requires_grad_(torch.is_grad_enabled())
        if not self._last:
            raise PluglmError("the model gave a loss without all of its blocks")
        self.results.append((loss.detach(), count, means))
        return loss  # type: ignore[no-any-return]


class Pipelined(torch.nn.Module):
    """A step module of which this process computes one stage. Called with a batch, it returns what the last one found;
    in training, all passes are done by then, and the backward pass of what is returned only hands out the gradients."""

    def __init__(self, module: Any, micro_batches: int, order: Order, device: torch.device) -> None:
        super().__init__()
        self._rank, self._stages = dist.get_rank(), dist.get_world_size()
        self._held = StageModel(module.model, self._rank, self._stages)
        if self._rank < self._stages - 1:
            module.auxiliary.clear()
        self.stage = Stage(module, self._held, self._rank == self._stages - 1)
        if not any(parameter.requires_grad for parameter in module.parameters()):
            raise PluglmError(f"stage {self._rank} of {self._stages} has only frozen parameters; use fewer processes")
        self._width: int = module.model.config.get_text_config().hidden_size
        self._micro_batches = micro_batches
        self._order = order
        self._device = device
        self._schedules: dict[Any, Any] = {}

    def forward(self, batch: Batch) -> Result:
        """The sum of losses, their count, and means, the same in every process."""
        tensors = {name: value for name, value in batch.items() if isinstance(value, torch.Tensor)}
        self.stage.rest = {name: value for name, value in batch.items() if name not in tensors}
        self.stage.results = []
        training = torch.is_grad_enabled()
        parameters = [p for p in self.parameters() if p.requires_grad]
        before = [p.grad for p in parameters]
        for parameter in parameters:
            parameter.grad = None
        self._send_shared()
        schedule = self._schedule(tensors["input_ids"], training)
        received = (tensors["input_ids"],) if self._rank == 0 else ()
        run = schedule.step if training else schedule.eval
        named = {PREFIX + name: value for name, value in tensors.items()}
        run(*received, target=tensors["input_ids"], return_outputs=False, **named)
        if training:
            self._return_shared()
        fresh = [p.grad for p in parameters]
        for parameter, gradient in zip(parameters, before, strict=True):
            parameter.grad = gradient
        loss, count, means = self._told()
        if training:
            loss = HandedOut.apply(loss.requires_grad_(), parameters, fresh)  # type: ignore[no-untyped-call]
        return loss, count, means

    def _schedule(self, ids: torch.Tensor, training: bool) -> Any:
        examples, tokens = ids.shape
        parts = max(n for n in range(1, self._micro_batches + 1) if examples % n == 0)
        key = (examples, tokens, parts, training)
        if key not in self._schedules:
            while len(self._schedules) >= KEPT:
                del self._schedules[next(iter(self._schedules))]
            self._schedules[key] = self._new_schedule(examples // parts, tokens, parts)
        return self._schedules[key]

    def _new_schedule(self, examples: int, tokens: int, parts: int) -> Any:
        hidden = torch.empty(examples, tokens, self._width, device="meta", requires_grad=True)
        first, last = self._rank == 0, self._rank == self._stages - 1
        stage = PipelineStage(
            self.stage,
            self._rank,
            self._stages,
            self._device,
            input_args=(torch.empty(examples, tokens, dtype=torch.long, device="meta"),) if first else (hidden,),
            output_args=(torch.empty((), device="meta", requires_grad=True),) if last else (hidden,),
        )
        # 1F1B has nothing to alternate with where there are fewer micro-batches than stages.
        kind = Schedule1F1B if self._order == "1f1b" and parts >= self._stages else ScheduleGPipe
        return kind(stage, parts, loss_fn=lambda loss, target: loss, scale_grads=False)

    def _send_shared(self) -> None:
        shared = self._held.shared
        if shared is None:
            return
        with torch.no_grad():
            if self._rank == 0:
                dist.send(shared.detach(), self._stages - 1)
            else:
                received = torch.empty_like(shared)
                dist.recv(received, 0)
                shared.copy_(received)

    def _return_shared(self) -> None:
        shared = self._held.shared
        if shared is None or not shared.requires_grad:
            return
        if self._rank == 0:
            received = torch.empty_like(shared)
            dist.recv(received, self._stages - 1)
            shared.grad = received if shared.grad is None else shared.grad + received
        else:
            dist.send(torch.zeros_like(shared) if shared.grad is None else shared.grad.contiguous(), 0)
            shared.grad = None

    def _told(self) -> Result:
        """The last stage's results, added up over its micro-batches, means averaged."""
        held: list[Any] = [None]
        if results := self.stage.results:
            losses, counts, means = zip(*results, strict=True)
            averages = {name: fmean(float(each[name]) for each in means) for name in means[0]}
            held = [(fsum(map(float, losses)), fsum(map(float, counts)), averages)]
        dist.broadcast_object_list(held, src=self._stages - 1, device=self._device)
        loss, count, averages = held[0]
        return self._scalar(loss), self._scalar(count), {name: self._scalar(at) for name, at in averages.items()}

    def _scalar(self, value: float) -> torch.Tensor:
        return torch.tensor(value, dtype=torch.float64, device=self._device)


class HandedOut(torch.autograd.Function):
    """A loss whose gradients are known: its backward pass adds them, times its own, to the parameters'."""

    @staticmethod
    def forward(
        ctx: Any, loss: torch.Tensor, parameters: list[torch.nn.Parameter], fresh: list[torch.Tensor | None]
    ) -> torch.Tensor:
        ctx.known = parameters, fresh
        return loss.clone()

    @staticmethod
    def backward(ctx: Any, gradient: torch.Tensor) -> tuple[None, None, None]:
        for parameter, found in zip(*ctx.known, strict=True):
            if found is not None:
                scaled = found * gradient.to(found.dtype)
                parameter.grad = scaled if parameter.grad is None else parameter.grad + scaled
        return None, None, None
