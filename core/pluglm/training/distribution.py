"""Processes: how many there are, who this one is, and what they add up together."""

from __future__ import annotations

import os
from collections.abc import Sequence
from typing import TYPE_CHECKING, Any, TypeVar

from pluglm.cores import available_cores
from pluglm.errors import ConfigError, Problem
from pluglm.training.launching import restarted

T = TypeVar("T")

if TYPE_CHECKING:
    import torch
    from accelerate import Accelerator

    from pluglm.config.run_config import RunConfig


def launched_processes() -> int | None:
    """How many processes a launcher (torchrun, accelerate launch) started, or None where none did."""
    size = os.environ.get("WORLD_SIZE")
    if size:
        return int(size)
    # `accelerate launch` without --multi_gpu starts one process, whatever number it was told.
    return 1 if "ACCELERATE_MIXED_PRECISION" in os.environ else None


def check_world_size(config: RunConfig) -> None:
    """Raises:
    ConfigError: where the launcher started another number of processes than the run asks for.
    """
    started, wanted = launched_processes(), config.parallelism.world_size()
    if started is not None and started != wanted:
        reason = f"asks for {_processes(wanted)}, and the launcher started {started}"
        hint = f"start {wanted}: torchrun --nproc-per-node {wanted} -m pluglm train ..., or pluglm train alone"
        if "WORLD_SIZE" not in os.environ:
            hint = f"start {wanted}: accelerate launch --multi_gpu --num_processes {wanted} ..., also without a GPU"
        raise ConfigError([Problem("parallelism", reason, config.parallelism.name, hint)])


def _processes(count: int) -> str:
    return "1 process" if count == 1 else f"{count} processes"


def make_accelerator(precision: str, threads: int) -> Accelerator:
    """Accelerate's handle on devices, precision and the process group."""
    import torch
    from accelerate import Accelerator
    from accelerate.state import AcceleratorState

    join()
    # Runs of one sweep share a process, and a second precision would be refused.
    AcceleratorState._reset_state(reset_partial_state="WORLD_SIZE" not in os.environ)
    torch.set_num_threads(threads or default_threads())
    cpu = not torch.cuda.is_available()
    accelerator = Accelerator(cpu=cpu, mixed_precision="no" if precision == "fp32" else precision)
    if precision == "fp16":
        # On CPUs Accelerate takes the word and trains in fp32. What it lacks there is a gradient scaler: ours serves.
        accelerator.native_amp = True
    return accelerator


def agreed(value: T, accelerator: Accelerator) -> T:
    """What the main process has, in every process."""
    from accelerate.utils import broadcast_object_list

    if accelerator.num_processes == 1:
        return value
    held = [value]
    broadcast_object_list(held)
    return held[0]


def join() -> None:
    """Join the other processes where all were started again. The launcher's store still holds the addresses of those
    that died, and a process that finds them waits for ever: from now on everything in it has a new name."""
    import torch
    from torch.distributed import PrefixStore  # type: ignore[attr-defined]
    from torch.distributed.rendezvous import rendezvous

    if not restarted() or torch.distributed.is_initialized():
        return
    store, rank, size = next(rendezvous("env://"))
    torch.distributed.init_process_group(
        "nccl" if torch.cuda.is_available() else "gloo",
        store=PrefixStore(f"start-{restarted()}", store),
        rank=rank,
        world_size=size,
    )


def default_threads() -> int:
    """What OMP_NUM_THREADS says, else the cores that each process has to itself. Launchers set the variable to 1 of
    their own accord, so that it says nothing in a process of several."""
    processes = int(os.environ.get("LOCAL_WORLD_SIZE") or launched_processes() or 1)
    given = os.environ.get("OMP_NUM_THREADS", "")
    return int(given) if processes == 1 and given.isdecimal() else max(1, available_cores() // processes)


def total(values: Sequence[float | torch.Tensor], accelerator: Accelerator) -> list[float]:
    """Each value added up over all processes."""
    import torch

    stacked = torch.stack([torch.as_tensor(value, dtype=torch.float64, device="cpu") for value in values])
    if accelerator.num_processes > 1:
        stacked = stacked.to(accelerator.device)
        torch.distributed.all_reduce(stacked)
    result: list[float] = stacked.tolist()
    return result


def gather(tensor: torch.Tensor, accelerator: Accelerator) -> list[Any]:
    """The tensor of every process, which must have one shape, by rank."""
    import torch

    if accelerator.num_processes == 1:
        return [tensor]
    here = tensor.to(accelerator.device)
    everywhere = [torch.empty_like(here) for _ in range(accelerator.num_processes)]
    torch.distributed.all_gather(everywhere, here)
    return everywhere
