"""Number formats: which is fast on this machine, and what keeps fp16's small gradients from vanishing."""

from __future__ import annotations

import json
import platform
import time
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Literal

from pluglm.files.replacing import write_text

if TYPE_CHECKING:
    import torch

Precision = Literal["fp32", "bf16", "fp16"]

CLEARLY = 1.3
"""How many times as fast as fp32 another format must be, to be worth its rounding."""


def fastest_precision(cache: Path, threads: int) -> tuple[Precision, dict[str, float]]:
    """The format to train in, and GFLOP/s of a matrix product in each, measured once per machine and kept in `cache`.

    bf16 where it is clearly faster; fp16 is never chosen by itself, since it can overflow.
    """
    import torch

    if torch.cuda.is_available():
        machine = f"{torch.cuda.get_device_name()}-torch-{torch.__version__}"
    else:
        machine = f"{_processor()}-{threads}-threads-torch-{torch.__version__}"
    path = cache / "precision" / (machine.replace("/", "_").replace(" ", "_") + ".json")
    try:
        speeds: dict[str, float] = json.loads(path.read_text(encoding="utf-8"))
        if not all(speeds.values()):
            raise ValueError("a speed of nothing")
    except (OSError, ValueError, AttributeError):
        device = torch.device("cuda" if torch.cuda.is_available() else "cpu")
        formats = {"fp32": torch.float32, "bf16": torch.bfloat16}
        # Digits that count: where a format is computed in software and others work too, there may be 0.04 of them.
        speeds = {name: float(f"{matmul_speed(dtype, device) / 1e9:.4g}") for name, dtype in formats.items()}
        # Where the cache cannot be written, the next run measures again.
        with suppress(OSError):
            path.parent.mkdir(parents=True, exist_ok=True)
            write_text(path, json.dumps(speeds))
    return ("bf16" if speeds["bf16"] > CLEARLY * speeds["fp32"] else "fp32"), speeds


def matmul_speed(dtype: torch.dtype, device: torch.device, size: int = 512, seconds: float = 0.3) -> float:
    """Floating-point operations per second of the fastest of several square matrix products."""
    import torch

    left, right = (torch.ones(size, size, dtype=dtype, device=device) for _ in range(2))
    left @ right
    best, until = float("inf"), time.perf_counter() + seconds
    # At least once: on a busy machine a product in software may take longer than all of the time.
    while best == float("inf") or time.perf_counter() < until:
        start = time.perf_counter()
        product = left @ right
        if device.type == "cuda":
            torch.cuda.synchronize()
        best = min(best, time.perf_counter() - start)
        del product
    return 2 * size**3 / best


def _processor() -> str:
    try:
        lines = Path("/proc/cpuinfo").read_text(encoding="utf-8").splitlines()
        facts = dict(line.split("\t", 1) for line in lines if line.startswith(("model name", "flags")) and "\t" in line)
        flags = "bf16" if "bf16" in facts.get("flags", "") else "no-bf16"
        return f"{facts.get('model name', ': unknown').strip(' :')}-{flags}"
    except (OSError, ValueError):
        return platform.processor() or platform.machine()


@dataclass(slots=True)
class LossScale:
    """The factor on the loss that keeps fp16 gradients in range: halved when they overflow, and doubled after
    `patience` steps without (Micikevicius et al. 2018, https://arxiv.org/abs/1710.03740, section 3.2).

    The norm over all processes decides, so that all of them skip the same steps under any parallelism.
    """

    value: float
    good: int = 0
    patience: int = 2000

    def overflowed(self) -> bool:
        """After a step whose gradients were not finite; False where the factor cannot become smaller."""
        self.value, self.good = self.value / 2, 0
        return self.value >= 1.0

    def held(self) -> None:
        """After a step whose gradients were finite."""
        self.good += 1
        if self.good >= self.patience:
            self.value, self.good = self.value * 2, 0
