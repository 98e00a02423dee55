"""Several torch optimizers that look like one."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import torch


class Joined(torch.optim.Optimizer):
    """Each part steps its own groups. Groups and state are shared with the parts: a learning rate set here, or a state
    loaded here, is theirs."""

    def __init__(self, parts: Sequence[torch.optim.Optimizer]) -> None:
        self._parts = list(parts)
        super().__init__([group for part in parts for group in part.param_groups], {})
        self._share()

    def _share(self) -> None:
        groups = iter(self.param_groups)
        for part in self._parts:
            part.param_groups = [next(groups) for _ in part.param_groups]
            part.state = self.state

    def load_state_dict(self, state_dict: dict[str, Any]) -> None:
        """Take over groups and state, which torch replaces by new ones."""
        super().load_state_dict(state_dict)
        self._share()

    def step(self, closure: Any = None) -> Any:
        """Let every part take its step, and return what `closure` returned."""
        loss = None
        if closure is not None:
            with torch.enable_grad():
                loss = closure()
        for part in self._parts:
            part.step()
        return loss
