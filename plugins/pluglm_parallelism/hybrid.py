"""Several parallelisms in one run."""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING, Annotated, ClassVar

from pydantic import Field

from pluglm import MemoryShares, Parallelism, Problem
from pluglm_parallelism.blocks import blocks_of
from pluglm_parallelism.sharded import shard
from pluglm_parallelism.tensor import check_blocks, cut_tensors

if TYPE_CHECKING:
    import torch
    from accelerate import Accelerator
    from transformers import PreTrainedModel

    from pluglm import RunConfig


class Hybrid(Parallelism):
    """data × shard × tensor processes: `tensor` of them cut the layers and compute the same examples, `shard` such
    groups also divide the weights among them, and all that is there `data` times, each with other examples.

    Neighbouring ranks cut tensors, which talk the most. Sources: those of `tensor` and `sharded`; Zhao et al. 2023,
    "PyTorch FSDP", https://arxiv.org/abs/2304.11277, section 3.2.2 (hybrid sharding).
    """

    cuts: ClassVar = frozenset({"tensors"})

    data: Annotated[int, Field(ge=1, description="Copies of the model, each with its share of every batch")] = 1
    shard: Annotated[int, Field(ge=1, description="Processes that share the weights and a copy's examples")] = 2
    tensor: Annotated[int, Field(ge=1, description="Processes that cut the layers between them")] = 2
    reshard: Annotated[
        bool, Field(description="Give the weights of a block up between its forward and backward pass: less memory")
    ] = True

    def world_size(self) -> int:
        """The product of the three."""
        return self.data * self.shard * self.tensor

    def share(self, rank: int) -> tuple[int, int]:
        """One share for every group that cuts tensors."""
        return rank // self.tensor, self.data * self.shard

    def memory_shares(self, model: PreTrainedModel) -> MemoryShares:
        """Its part of what a process holds that cuts tensors."""
        if self.tensor > 1:
            check_blocks(model, self.tensor)
        part = 1 / (self.shard * self.tensor)
        inside = 0.5 + 0.5 / self.tensor
        whole = min(1.0, 2 / len(blocks_of(model))) if self.reshard else 1.0
        activations = inside / (self.data * self.shard)
        return MemoryShares(part, 1 / self.shard, activations, gathered=whole / self.tensor, close=self.tensor)

    @classmethod
    def over(cls, processes: int) -> Iterator[Parallelism]:
        """All that use two of the three or all of them, cutting tensors over 8 processes at most."""
        divisors = [number for number in range(1, processes + 1) if processes % number == 0]
        for tensor in (number for number in divisors if number <= 8):
            for part in (number for number in divisors if (processes // tensor) % number == 0):
                found = cls(data=processes // tensor // part, shard=part, tensor=tensor)
                if sorted((found.data, found.shard, found.tensor))[1] > 1:
                    yield found

    def problems(self, run: RunConfig) -> Iterator[Problem]:
        """There must be more than one process."""
        if self.world_size() == 1:
            yield Problem("parallelism", "data, shard and tensor are all 1", self.name, "use parallelism=single")

    def wrap(self, module: torch.nn.Module, accelerator: Accelerator) -> torch.nn.Module:
        """`module`, its parameters DTensors over all processes, or over those that do not cut them."""
        from torch.distributed.device_mesh import init_device_mesh

        sizes, names = (self.data, self.shard, self.tensor), ("data", "shard", "tensor")
        mesh = init_device_mesh(accelerator.device.type, sizes, mesh_dim_names=names)
        if self.tensor > 1:
            cut_tensors(module.model, mesh["tensor"])
        shard(module, mesh["data", "shard"], self.reshard)
        return module
