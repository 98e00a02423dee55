"""Every global generator a technique might draw from: seeded, saved and restored."""

from __future__ import annotations

import random
from typing import Any


def seed_everything(seed: int, rank: int = 0) -> None:
    """Seed Python's, NumPy's and torch's global generators; ranks differ, so that their dropout does."""
    import numpy as np
    import torch

    random.seed(f"{seed}/{rank}")
    np.random.seed((seed + 7919 * rank) % 2**32)
    torch.manual_seed(seed + 7919 * rank)


def generator_states() -> dict[str, Any]:
    """The state of each, as tensors of one shape in every process."""
    import numpy as np
    import torch

    _, words, _ = random.getstate()
    _, keys, position, has_gauss, gauss = np.random.get_state()
    states = {
        "python": torch.tensor(words, dtype=torch.int64),
        "numpy": torch.tensor([*map(int, keys), int(position), int(has_gauss)], dtype=torch.int64),
        "numpy_gauss": torch.tensor(float(gauss), dtype=torch.float64),
        "torch": torch.get_rng_state(),
    }
    if torch.cuda.is_available():
        states["cuda"] = torch.cuda.get_rng_state()
    return states


def restore_generators(states: dict[str, Any]) -> None:
    """Undo everything that was drawn since `generator_states`."""
    import numpy as np
    import torch

    random.setstate((3, tuple(states["python"].tolist()), None))
    *keys, position, has_gauss = states["numpy"].tolist()
    np.random.set_state(("MT19937", np.array(keys, dtype=np.uint32), position, has_gauss, states["numpy_gauss"].item()))
    torch.set_rng_state(states["torch"].cpu())
    if "cuda" in states and torch.cuda.is_available():
        torch.cuda.set_rng_state(states["cuda"].cpu())
