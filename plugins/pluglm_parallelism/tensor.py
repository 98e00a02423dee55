"""Tensor parallelism."""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING, Annotated, Any, ClassVar

from pydantic import Field

from pluglm import MemoryShares, Parallelism, PluglmError
from pluglm_parallelism.blocks import blocks_of

if TYPE_CHECKING:
    import torch
    from accelerate import Accelerator
    from torch.distributed.device_mesh import DeviceMesh
    from transformers import PreTrainedModel

HEADS = {"q_proj", "k_proj", "v_proj", "query", "key", "value", "q", "k", "v", "c_attn", "relative_attention_bias"}
"""Layers that give a part of the attention heads each, by the end of their names in Llama, BART, BERT, T5 and GPT-2."""
WIDTH = {"gate_proj", "up_proj", "intermediate.dense", "wi", "wi_0", "wi_1", "fc1", "c_fc"}
"""Layers that widen to the feed-forward part."""
ROWS = {"o_proj", "down_proj", "out_proj", "output.dense", "o", "wo", "fc2", "c_proj"}
"""Layers that bring the heads, or the width, together again."""
FUSED = {"c_attn": 3}
"""Layers whose outputs are so many things side by side (queries, keys and values)."""
COUNTS = ("n_heads", "split_size")
"""What an attention layer remembers of how many heads, or numbers in them, it has."""


def cut_tensors(model: Any, mesh: DeviceMesh) -> None:
    """Cut the attention heads and the feed-forward width of each block over `mesh`, in place.

    Raises:
        PluglmError: where the heads do not divide, or a block has weights that this knows no cut for.
    """
    from torch import nn

    from pluglm_parallelism.cut_layers import cut_columns, cut_embedding, cut_rows

    check_blocks(model, mesh.size())
    for block in blocks_of(model):
        for name, layer in weight_layers(block):
            if isinstance(layer, nn.Embedding):
                cut_embedding(layer, mesh)
            elif ending(name) in ROWS:
                cut_rows(layer, mesh)
            else:
                cut_columns(layer, mesh, FUSED.get(ending(name), 1))
        for part in block.modules():
            for count in COUNTS:
                if isinstance(getattr(part, count, None), int):
                    setattr(part, count, getattr(part, count) // mesh.size())


def check_blocks(model: Any, processes: int) -> None:
    """Raises:
    PluglmError: where the model cannot be cut over so many processes.
    """
    check_heads(model.config, processes)
    for block in blocks_of(model):
        for name in unknown_layers(block):
            raise PluglmError(
                f"a {type(block).__name__} has {name}, for which there is no cut over processes; "
                "use parallelism=sharded instead of cutting tensors"
            )
        for name, layer in weight_layers(block):
            _check_width(name, layer, processes)


def ending(name: str) -> str:
    """The end of a layer's name that says what it does: its last word, or two where the last is `dense`."""
    words = name.split(".")
    return ".".join(words[-2:]) if words[-1] == "dense" else words[-1]


def weight_layers(block: torch.nn.Module) -> Iterator[tuple[str, Any]]:
    """Every part of `block` with a matrix of weights, by name."""
    for name, part in block.named_modules():
        if getattr(getattr(part, "weight", None), "ndim", 0) > 1:
            yield name, part


def unknown_layers(block: torch.nn.Module) -> Iterator[str]:
    """Names of parts that cannot be cut: matrices of other names, and weights inside of attention, between the cuts,
    where each process would see only some of their gradient."""
    from torch import nn
    from transformers.pytorch_utils import Conv1D

    known = {
        name
        for name, part in weight_layers(block)
        if ending(name) in HEADS | WIDTH | ROWS and isinstance(part, (nn.Linear, nn.Embedding, Conv1D))
    }
    yield from (name for name, _ in weight_layers(block) if name not in known)
    attention = {name.rpartition(".")[0] for name in known if ending(name) in HEADS}
    for name, _ in block.named_parameters():
        layer = name.rpartition(".")[0]
        if layer.rpartition(".")[0] in attention and layer not in known:
            yield layer


def check_heads(config: Any, processes: int) -> None:
    """Raises:
    PluglmError: where a number of attention heads is no multiple of the processes.
    """
    names = ("num_attention_heads", "num_key_value_heads", "encoder_attention_heads", "decoder_attention_heads")
    for name in names:
        heads = getattr(config, name, None)
        if heads is not None and heads % processes:
            raise PluglmError(f"the model's {name}={heads} cannot be divided over {processes} processes")


def _check_width(name: str, layer: Any, processes: int) -> None:
    # The weight of a `Linear` is (out, in), those of a `Conv1D` and an embedding are (in, out).
    outputs = 0 if hasattr(layer, "in_features") else 1
    width = layer.weight.shape[1 - outputs if ending(name) in ROWS else outputs]
    if width % (processes * FUSED.get(ending(name), 1)):
        raise PluglmError(f"{name} is {width} wide, which cannot be divided over {processes} processes")


class Tensor(Parallelism):
    """All processes compute the same batch, each with its share of every attention head group and feed-forward layer.

    Per block and pass, two sums travel between the processes, so that they should be close to each other: one machine.
    Embeddings, norms and the output head are whole in each. For blocks as Llama, GPT-2, BERT, T5 and BART have them.

    Source: Shoeybi et al. 2019, "Megatron-LM", https://arxiv.org/abs/1909.08053.
    """

    cuts: ClassVar = frozenset({"tensors"})

    processes: Annotated[int, Field(ge=2, description="How many processes; divides the model's attention heads")] = 2

    def world_size(self) -> int:
        """As configured."""
        return self.processes

    def share(self, rank: int) -> tuple[int, int]:
        """The whole of every batch."""
        return 0, 1

    def memory_shares(self, model: PreTrainedModel) -> MemoryShares:
        """Its share of the blocks, and everything else whole. Of the activations, those inside of attention and
        feed-forward parts are divided and those between are not: about half of them each, in a Llama's block."""
        check_blocks(model, self.processes)
        return MemoryShares(blocks=1 / self.processes, activations=0.5 + 0.5 / self.processes, close=self.processes)

    def wrap(self, module: torch.nn.Module, accelerator: Accelerator) -> torch.nn.Module:
        """`module`, the weights of its blocks DTensors."""
        from torch.distributed.device_mesh import init_device_mesh

        cut_tensors(module.model, init_device_mesh(accelerator.device.type, (self.processes,)))
        return module
