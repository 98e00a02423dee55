"""What the hardware of a plan can do."""

from __future__ import annotations

import json
import platform
import statistics
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from pluglm.files.digests import digest
from pluglm.files.replacing import write_json
from pluglm.files.storage import cache_folder

if TYPE_CHECKING:
    from pluglm.config.plan_settings import Number
    from pluglm.config.run_config import RunConfig

KEPT = 200
"""Speeds of so many runs are remembered."""


@dataclass(frozen=True, slots=True)
class Figures:
    """Of one device: peak operations per second in the precision of the run, and bytes of memory, where they are known;
    the operations per second that training is taken to reach, and what that is taken from."""

    precision: str
    peak: float | None
    memory: int | None
    speed: float | None
    source: str
    notes: tuple[str, ...] = ()


def figures_of(config: RunConfig) -> Figures:
    """The figures of the hardware of a config; those of this machine are measured, once."""
    hardware, wanted = config.hardware, config.train.precision
    if not hardware.measured:
        chosen: Number = ("bf16" if "bf16" in hardware.peak_flops else "fp32") if wanted == "auto" else wanted
        peak = hardware.peak_flops.get(chosen)
        notes = () if peak else (f"the peak of {hardware.name} in {chosen} is not known: no time can be told",)
        share = config.plan.utilisation or hardware.utilisation
        speed = None if peak is None else peak * share
        memory = None if hardware.memory_gb is None else round(hardware.memory_gb * 1e9)
        return Figures(chosen, peak, memory, speed, f"{share:.0%} of its peak", notes)
    speeds, fastest = measured_peaks(config)
    precision: str = fastest if wanted == "auto" else wanted
    peak = speeds.get(precision)
    memory = round(hardware.memory_gb * 1e9) if hardware.memory_gb else machine_memory()
    if config.plan.utilisation is not None:
        speed = None if peak is None else peak * config.plan.utilisation
        return Figures(precision, peak, memory, speed, f"{config.plan.utilisation:.0%} of its peak")
    known, alike = remembered(config, precision)
    if known is not None and alike:
        return Figures(precision, peak, memory, known, "an earlier run of the same model on this machine")
    if known is not None and peak is not None:
        return Figures(
            precision, peak, memory, known * peak, f"the {known:.0%} of the peak that other runs reached here"
        )
    speed = None if peak is None else peak * hardware.utilisation
    return Figures(precision, peak, memory, speed, f"{hardware.utilisation:.0%} of its peak, a guess")


def measured_peaks(config: RunConfig) -> tuple[dict[str, float], str]:
    """Operations per second of a matrix product on this machine by number format, and the format to train in."""
    import torch

    from pluglm.training.distribution import default_threads
    from pluglm.training.precision import fastest_precision

    before, threads = torch.get_num_threads(), config.train.threads or default_threads()
    torch.set_num_threads(threads)
    try:
        fastest, speeds = fastest_precision(cache_folder(config.data.cache_dir), threads)
    finally:
        torch.set_num_threads(before)
    return {name: speed * 1e9 for name, speed in speeds.items()}, fastest


def machine_memory() -> int:
    """Bytes of memory of a device of this machine: the GPU's where there is one."""
    import psutil
    import torch

    if torch.cuda.is_available():
        return int(torch.cuda.get_device_properties(0).total_memory)
    return int(psutil.virtual_memory().total)


def remember(config: RunConfig, precision: str, operations_per_second: float) -> None:
    """Keep the speed of a run that is done, for the plans of those that follow on this machine, where it can be."""
    peak = measured_peaks(config)[0].get(precision)
    entry = {
        "shape": _shape(config, precision),
        "speed": operations_per_second,
        "share": None if peak is None else operations_per_second / peak,
    }
    path = _speeds(config)
    # The cache may be one that can only be read, or be full.
    with suppress(OSError):
        path.parent.mkdir(parents=True, exist_ok=True)
        write_json(path, [*_read(path), entry][-KEPT:])


def remembered(config: RunConfig, precision: str) -> tuple[float | None, bool]:
    """(operations per second, True) where a run of the same shape was made here; (share of the peak, False) where
    others were."""
    entries = _read(_speeds(config))
    shape = _shape(config, precision)
    alike = [entry["speed"] for entry in entries if entry["shape"] == shape and entry["speed"]]
    if alike:
        return statistics.median(alike[-5:]), True
    shares = [entry["share"] for entry in entries if entry["share"]]
    return (statistics.median(shares), False) if shares else (None, False)


def _speeds(config: RunConfig) -> Path:
    return cache_folder(config.data.cache_dir) / "planning" / f"speeds-{platform.node() or 'here'}.json"


def _read(path: Path) -> list[dict[str, Any]]:
    try:
        found = json.loads(path.read_text(encoding="utf-8"))
    except (OSError, ValueError):
        return []
    entries = found if isinstance(found, list) else []
    return [entry for entry in entries if isinstance(entry, dict) and {"shape", "speed", "share"} <= entry.keys()]


def _shape(config: RunConfig, precision: str) -> str:
    """What decides how fast a step is, as a short name."""
    from pluglm.training.distribution import default_threads

    train = config.train
    parts = [config.resolved[name] for name in ("model", "objective", "parallelism", "regularizer", "compressor")]
    threads = train.threads or default_threads()
    sizes = [train.batch_size, train.gradient_accumulation, config.data.sequence_length, train.recompute_activations]
    return digest([*parts, *sizes, train.compile, precision, threads, config.optimizer.name])
