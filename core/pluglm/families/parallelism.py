"""Parallelism: how a run is spread over processes."""

from __future__ import annotations

from abc import abstractmethod
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, ClassVar, Literal

from pydantic import ValidationError

from pluglm.technique import Technique

if TYPE_CHECKING:
    import torch
    from accelerate import Accelerator
    from transformers import PreTrainedModel


Cut = Literal["tensors", "layers"]
"""How the model of a process is less than the whole one: its parameters are parts of tensors (DTensors), or some of its
layers are held by other processes."""


@dataclass(frozen=True, slots=True)
class MemoryShares:
    """What a process holds of what one process alone would, as shares.

    Attributes:
        blocks: of weights, gradients and optimizer state of the blocks (the layers that are alike).
        rest: of those of everything else: embeddings, head.
        activations: of what is kept for the backward pass, and of the logits.
        copies: whole gradients that are kept beside, for exchanging them.
        gathered: of the blocks' weights, whole ones that are there for a moment.
        close: how many neighbouring processes exchange something within every block, and need a fast interconnect.
    """

    blocks: float = 1.0
    rest: float = 1.0
    activations: float = 1.0
    copies: float = 0.0
    gathered: float = 0.0
    close: int = 1


class Parallelism(Technique):
    """Spreads training over `world_size()` processes. The result is that of one process: a batch is the same examples,
    however many processes share it.

    A process computes one share of every batch, and several may compute the same one together (each with a part of the
    model). Wherever a process stands, the module that `wrap` made returns the losses of its whole share.
    """

    family: ClassVar[str] = "parallelism"
    cuts: ClassVar[frozenset[Cut]] = frozenset()
    """What `wrap` does to the model. Techniques that say that they work with that can be combined with it."""

    @abstractmethod
    def world_size(self) -> int:
        """How many processes the run needs; the core starts them unless a launcher did, and checks the number."""

    def share(self, rank: int) -> tuple[int, int]:
        """Which share of every batch process `rank` computes, and how many shares there are: by default as many as
        processes."""
        return rank, self.world_size()

    @abstractmethod
    def wrap(self, module: torch.nn.Module, accelerator: Accelerator) -> torch.nn.Module:
        """`module`, with the parts of it that this process holds, made to exchange what it must.

        `module.model` is the `transformers` model, `module.auxiliary` what is trained beside it. Called with a batch,
        `module` and what is returned give (sum of losses, count, means to log) in training and in validation (`eval`),
        and gradients of the parameters are averaged over the shares. Parameters may be replaced by DTensors, or be
        left out where another process holds them, but keep their names. The optimizer is built over what is there
        afterwards."""

    def memory_shares(self, model: PreTrainedModel) -> MemoryShares:
        """What the process that holds the most holds of `model`, which has no numbers in its weights. By default the
        whole model, and its share of the batch.

        Raises:
            PluglmError: where this model cannot be divided so.
        """
        return MemoryShares(activations=1 / self.share(0)[1])

    @classmethod
    def over(cls, processes: int) -> Iterator[Parallelism]:
        """The ways in which it can use so many processes. By default one, where it has a parameter `processes` or needs
        none."""
        values = {"processes": processes} if "processes" in cls.model_fields else {}
        try:
            found = cls(**values)
        except ValidationError:
            return
        if found.world_size() == processes:
            yield found

    def gradient_norm(self, gradients: Sequence[torch.Tensor]) -> torch.Tensor:
        """The norm, a scalar, of all gradients of the run taken as one vector. `gradients` are those of this process,
        plain or DTensors of any mesh."""
        from pluglm.tensors import total_norm

        return total_norm(gradients)

    def collect(self, state: dict[str, Any]) -> dict[str, Any]:
        """The state of the whole run on the main process, out of the `state` that each process holds: nested dicts in
        which what other processes hold is missing. By default, every process holds all of it."""
        return state
