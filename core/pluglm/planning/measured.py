"""What a run took, beside what was planned."""

from __future__ import annotations

import resource
from collections.abc import Mapping
from pathlib import Path
from typing import Any


def begin_peak() -> None:
    """Forget this process's peak memory so far, where the system can: what prepared the data is not training."""
    try:
        Path("/proc/self/clear_refs").write_text("5", encoding="ascii")
    except OSError:
        return


def peak_bytes() -> int:
    """The most memory that this process took, since `begin_peak` where the system can tell."""
    try:
        status = Path("/proc/self/status").read_text(encoding="ascii")
        return int(status.split("VmHWM:")[1].split()[0]) * 1024
    except (OSError, IndexError, ValueError):
        return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * 1024


def folder_bytes(folder: Path) -> int:
    """Bytes of all files in a folder."""
    return sum(path.stat().st_size for path in folder.rglob("*") if path.is_file())


def with_measured(plan: Mapping[str, Any], **measured: float | int | None) -> dict[str, Any]:
    """The plan with what was measured beside it: `training_seconds`, `peak_memory_bytes`, `parameters`,
    `flops_of_a_step`, `storage_bytes`, as far as it is known, and the operations per second that follow."""
    found: dict[str, Any] = {**plan.get("measured", {}), **{k: v for k, v in measured.items() if v is not None}}
    seconds = found.get("training_seconds", 0)
    if seconds > 0:
        found["flops_per_second"] = round(plan["flops"] / seconds)
    return {**plan, "measured": found}


def beside(plan: Mapping[str, Any]) -> list[tuple[str, float, float]]:
    """(what, planned, measured) of all that was both."""
    measured = plan.get("measured") or {}
    pairs = [
        ("parameters", (plan.get("parameters") or {}).get("all"), measured.get("parameters")),
        ("flops_of_a_step", plan.get("flops_of_a_step"), measured.get("flops_of_a_step")),
        ("peak_memory_bytes", plan.get("peak_bytes"), measured.get("peak_memory_bytes")),
        ("storage_bytes", sum((plan.get("storage_bytes") or {}).values()), measured.get("storage_bytes")),
        ("training_seconds", plan.get("seconds"), measured.get("training_seconds")),
    ]
    return [(name, planned, found) for name, planned, found in pairs if planned is not None and found is not None]
