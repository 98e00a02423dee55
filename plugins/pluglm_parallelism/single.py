"""One process."""

from __future__ import annotations

from typing import TYPE_CHECKING

from pluglm import Parallelism

if TYPE_CHECKING:
    import torch
    from accelerate import Accelerator


class Single(Parallelism):
    """One process, on one device."""

    def world_size(self) -> int:
        """1."""
        return 1

    def wrap(self, module: torch.nn.Module, accelerator: Accelerator) -> torch.nn.Module:
        """`module` on the device and in the precision of `accelerator`."""
        prepared: torch.nn.Module = accelerator.prepare_model(module)
        return prepared
