"""Parallelism: how a run is spread over processes."""

from __future__ import annotations

from abc import abstractmethod
from typing import TYPE_CHECKING, ClassVar

from pluglm.technique import Technique

if TYPE_CHECKING:
    import torch
    from accelerate import Accelerator


class Parallelism(Technique):
    """Spreads training over `world_size()` processes. The result is that of one process: a batch is the same examples,
    however many processes share it."""

    family: ClassVar[str] = "parallelism"

    @abstractmethod
    def world_size(self) -> int:
        """How many processes the run needs; the core starts them unless a launcher did, and checks the number."""

    @abstractmethod
    def wrap(self, module: torch.nn.Module, accelerator: Accelerator) -> torch.nn.Module:
        """`module`, whose forward returns a loss, made to exchange gradients as this parallelism does. Gradients are
        averaged over processes."""
