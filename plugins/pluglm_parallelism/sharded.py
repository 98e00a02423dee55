"""Fully sharded data parallelism."""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated, Any, ClassVar

from pydantic import Field

from pluglm import MemoryShares, Parallelism
from pluglm_parallelism.blocks import blocks_of

if TYPE_CHECKING:
    import torch
    from accelerate import Accelerator
    from torch.distributed.device_mesh import DeviceMesh
    from transformers import PreTrainedModel


def shard(module: torch.nn.Module, mesh: DeviceMesh, reshard: bool) -> None:
    """Cut the parameters of each block of `module.model`, and then all that are left, over `mesh`, in place. With two
    dimensions, they are copied over the first and cut over the second."""
    import torch
    from torch.distributed.fsdp import fully_shard

    for block in blocks_of(module.model):  # type: ignore[arg-type]
        fully_shard(block, mesh=mesh, reshard_after_forward=reshard)
    fully_shard(module, mesh=mesh, reshard_after_forward=False)

    def give_up(module: Any, inputs: Any, output: Any) -> None:
        # The backward pass does it in training.
        if not torch.is_grad_enabled():
            module.reshard()

    module.register_forward_hook(give_up)


class Sharded(Parallelism):
    """Each process takes its share of every batch and holds its share of all weights, gradients and optimizer state.

    The weights of a block are brought together just before they are used, and given up after. Source: Rajbhandari et
    al. 2019, "ZeRO", https://arxiv.org/abs/1910.02054, as torch's FSDP2 has it.
    """

    cuts: ClassVar = frozenset({"tensors"})

    processes: Annotated[int, Field(ge=2, description="How many processes")] = 2
    reshard: Annotated[
        bool, Field(description="Give the weights of a block up between its forward and backward pass: less memory")
    ] = True

    def world_size(self) -> int:
        """As configured."""
        return self.processes

    def memory_shares(self, model: PreTrainedModel) -> MemoryShares:
        """Its share of everything, and two whole blocks, the one that is computed and the next; or all of them where
        their weights are kept until the backward pass."""
        blocks = len(blocks_of(model))
        part = 1 / self.processes
        whole = min(1.0, 2 / blocks) if self.reshard else 1.0
        return MemoryShares(blocks=part, rest=part, activations=part, gathered=whole)

    def wrap(self, module: torch.nn.Module, accelerator: Accelerator) -> torch.nn.Module:
        """`module`, its parameters DTensors that are cut in their first dimension."""
        from torch.distributed.device_mesh import init_device_mesh

        shard(module, init_device_mesh(accelerator.device.type, (self.processes,)), self.reshard)
        return module
