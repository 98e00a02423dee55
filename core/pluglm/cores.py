"""The processor cores that this process may use, and how its threads wait for each other."""

from __future__ import annotations

import os
from collections.abc import Iterator
from pathlib import Path

WAITING = ("OMP_WAIT_POLICY", "GOMP_SPINCOUNT", "KMP_BLOCKTIME")
"""Environment variables by which a user says how OpenMP's threads wait."""
CGROUPS = Path("/sys/fs/cgroup")


def prefer_passive_waiting() -> None:
    """Let OpenMP's threads sleep while they wait for each other, unless the environment says otherwise. It must be
    called before torch is imported.

    By default they spin. Where another process has one of the cores, the thread that was to run there is waited for by
    threads that keep the other cores busy, and a run is several times slower.
    """
    if not any(name in os.environ for name in WAITING):
        os.environ["OMP_WAIT_POLICY"] = "PASSIVE"


def available_cores() -> int:
    """How many cores this process may use: those of its affinity mask, within the quota of its control group."""
    cores = len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1
    limits = [int(limit) for limit in _quotas()]
    return max(1, min([cores, *limits]))


def idle_cores(seconds: float = 0.3) -> int:
    """How many of the cores that this process may use nobody uses, one at least.

    Others are taken to use as many as they do for `seconds`, or did in the last minute, whichever is less: neither what
    is about to end nor what has just ended counts.
    """
    import psutil

    cores = available_cores()
    busy = psutil.cpu_percent(interval=seconds, percpu=True)
    own = os.sched_getaffinity(0) if hasattr(os, "sched_getaffinity") else range(len(busy))
    now = sum(busy[core] for core in own if core < len(busy)) / 100
    idle: float = cores - min(now, os.getloadavg()[0])
    return max(1, round(idle))


def _quotas() -> Iterator[float]:
    """The limits, in cores, of the control groups of this process, of either version of control groups."""
    try:
        own = Path("/proc/self/cgroup").read_text(encoding="utf-8").rpartition("::")[2].strip().strip("/")
    except OSError:
        own = ""
    for folder in {CGROUPS, CGROUPS / own, *(CGROUPS / own).parents, CGROUPS / "cpu"}:
        if not folder.is_relative_to(CGROUPS):
            continue
        try:
            if (folder / "cpu.max").is_file():
                quota, period = (folder / "cpu.max").read_text(encoding="utf-8").split()
            else:
                quota, period = ((folder / f"cpu.cfs_{name}_us").read_text() for name in ("quota", "period"))
            if int(quota) > 0:
                yield int(quota) / int(period)
        except (OSError, ValueError, ZeroDivisionError):
            # There is no limit: no such file, or "max" in it.
            continue
