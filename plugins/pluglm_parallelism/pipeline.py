"""Pipeline parallelism."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from typing import TYPE_CHECKING, Annotated, Any, ClassVar, Literal

from pydantic import Field

from pluglm import MemoryShares, Parallelism, PluglmError, Problem
from pluglm_parallelism.blocks import blocks_of

if TYPE_CHECKING:
    import torch
    from accelerate import Accelerator
    from transformers import PreTrainedModel

    from pluglm import RunConfig


class Pipeline(Parallelism):
    """Each process holds some consecutive blocks of the model, and hands the hidden states of micro-batches on.

    All processes get every batch, since masks, positions and labels are made of it. The more micro-batches, the less
    time the stages wait for each other: a share of about (processes - 1) / (micro_batches + processes - 1). A batch is
    cut into as many, up to that number, as divide it evenly. An embedding that is also the output head belongs to the
    first stage, which lends it to the last. For models that are one stack of blocks.

    Sources: Huang et al. 2018, "GPipe", https://arxiv.org/abs/1811.06965; Narayanan et al. 2021,
    https://arxiv.org/abs/2104.04473 (1F1B); the schedules are torch's.
    """

    cuts: ClassVar = frozenset({"layers"})

    processes: Annotated[int, Field(ge=2, description="How many processes, each with as many of the blocks")] = 2
    micro_batches: Annotated[int, Field(ge=1, description="Parts of a batch that are in the pipeline at once")] = 4
    order: Annotated[
        Literal["gpipe", "1f1b"],
        Field(description="All forward passes first, or each backward pass as soon as it can be: less memory"),
    ] = "1f1b"

    def world_size(self) -> int:
        """As configured."""
        return self.processes

    def share(self, rank: int) -> tuple[int, int]:
        """The whole of every batch."""
        return 0, 1

    def memory_shares(self, model: PreTrainedModel) -> MemoryShares:
        """The blocks of the first stage, and everything else whole, since it lends its embedding to the last. Of the
        micro-batches, as many have activations at once as there are stages, or all of them."""
        blocks = len(blocks_of(model))
        if blocks < self.processes:
            raise PluglmError(f"the model has {blocks} blocks, fewer than the {self.processes} stages")
        part = -(-blocks // self.processes) / blocks
        at_once = min(self.processes, self.micro_batches) if self.order == "1f1b" else self.micro_batches
        return MemoryShares(blocks=part, activations=part * at_once / self.micro_batches)

    def problems(self, run: RunConfig) -> Iterator[Problem]:
        """No model with two stacks of blocks, and no scaling of a loss whose gradients are already there."""
        if "Seq2Seq" in run.objective.head:
            reason = f"divides one stack of blocks, and objective={run.objective.name} needs an encoder and a decoder"
            yield Problem("parallelism", reason, self.name, "use parallelism=sharded")
        if run.train.precision == "fp16":
            yield Problem("train.precision", "has no loss scale in a pipeline", "fp16", "use bf16 or fp32")

    def wrap(self, module: torch.nn.Module, accelerator: Accelerator) -> torch.nn.Module:
        """This process's stage. Parameters of others are left out of `module`."""
        from pluglm_parallelism.pipelined import Pipelined

        return Pipelined(module, self.micro_batches, self.order, accelerator.device)

    def gradient_norm(self, gradients: Sequence[torch.Tensor]) -> torch.Tensor:
        """Each process has other parameters, so that the squares add up."""
        import torch

        square = torch.nn.utils.get_total_norm(list(gradients)).square()
        torch.distributed.all_reduce(square)
        return square.sqrt()

    def collect(self, state: dict[str, Any]) -> dict[str, Any]:
        """Those of all stages, put together."""
        import torch.distributed as dist

        states: list[Any] | None = [None] * self.processes if dist.get_rank() == 0 else None
        dist.gather_object(state, states)
        together = state
        for other in (states or [])[1:]:
            together = united(together, other)
        return together


def united(first: Mapping[str, Any], second: Mapping[str, Any]) -> dict[str, Any]:
    """Nested dicts with what is in either of them; the first one's where both have it."""
    both: dict[str, Any] = {**second, **first}
    for key in first.keys() & second.keys():
        if isinstance(first[key], Mapping) and isinstance(second[key], Mapping):
            both[key] = united(first[key], second[key])
    return both
