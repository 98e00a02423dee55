"""What Accelerate's trackers need around them."""

from __future__ import annotations

import os


def ensure_state() -> None:
    """Its trackers ask Accelerate's state which process this is. A run that failed early has made none yet.

    Raises:
        RuntimeError: where that would mean waiting for other processes, which may be gone.
    """
    import torch
    from accelerate import PartialState

    if not PartialState._shared_state and "WORLD_SIZE" in os.environ:
        raise RuntimeError("the run ended before its processes had found each other")
    PartialState(cpu=not torch.cuda.is_available())
