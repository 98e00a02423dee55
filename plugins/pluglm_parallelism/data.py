"""Data parallelism."""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated

from pydantic import Field

from pluglm import MemoryShares, Parallelism

if TYPE_CHECKING:
    import torch
    from accelerate import Accelerator
    from transformers import PreTrainedModel


class Data(Parallelism):
    """Each process holds the whole model and takes its share of every batch; their gradients are averaged.

    A batch is the same examples as with one process, and so is the result, up to rounding. Processes talk by gloo on
    CPUs and by NCCL on GPUs.

    Source: Li et al. 2020, "PyTorch Distributed", https://arxiv.org/abs/2006.15704.
    """

    processes: Annotated[int, Field(ge=2, description="How many processes")] = 2

    find_unused_parameters: Annotated[
        bool, Field(description="Allow for parameters that a step does not use, at the cost of a search in every step")
    ] = True

    def world_size(self) -> int:
        """As configured."""
        return self.processes

    def memory_shares(self, model: PreTrainedModel) -> MemoryShares:
        """The whole model, and a second copy of the gradients in the buckets in which they travel."""
        return MemoryShares(activations=1 / self.processes, copies=1.0)

    def wrap(self, module: torch.nn.Module, accelerator: Accelerator) -> torch.nn.Module:
        """`module` as torch's DistributedDataParallel."""
        from accelerate.utils import DistributedDataParallelKwargs

        # Accelerate takes this at its construction, when no parallelism has been asked yet.
        accelerator.ddp_handler = DistributedDataParallelKwargs(find_unused_parameters=self.find_unused_parameters)
        prepared: torch.nn.Module = accelerator.prepare_model(module)
        return prepared
