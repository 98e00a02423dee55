"""What a config leaves to the machine (`auto`), measured and written into it."""

from __future__ import annotations

import os
import time
from collections.abc import Callable
from dataclasses import replace
from typing import TYPE_CHECKING

import psutil
import torch

from pluglm.batching.loader import Loader
from pluglm.config.run_config import RunConfig
from pluglm.cores import available_cores, idle_cores
from pluglm.errors import PluglmError
from pluglm.files.storage import cache_folder
from pluglm.training.distribution import agreed, launched_processes, make_accelerator
from pluglm.training.precision import fastest_precision
from pluglm.training.step_module import StepModule

if TYPE_CHECKING:
    from accelerate import Accelerator

USED = 0.7
"""The share of free memory that a step may take: what lies between the operations is not counted."""
GAIN = 0.1
"""How much more examples per second a batch twice as large must bring."""
LEAST_STEPS = 16
"""So many steps, at least, a pass over the training examples takes: with fewer, larger ones a model learns less."""
TIMED, TIMED_SECONDS = 4, 2.0


def with_precision(config: RunConfig, note: Callable[[str], None]) -> tuple[RunConfig, Accelerator]:
    """The config with a precision, the same in all processes, and the accelerator made for it."""
    if config.train.precision != "auto":
        return config, make_accelerator(config.train.precision, config.train.threads)
    accelerator = make_accelerator("fp32", config.train.threads)
    found, speeds = fastest_precision(cache_folder(config.data.cache_dir), torch.get_num_threads())
    precision = agreed(found, accelerator)
    shown = ", ".join(f"{name} {speed:,.0f}" for name, speed in speeds.items())
    note(f"train.precision=auto: {precision} (GFLOP/s of a matrix product: {shown})")
    return config.with_train(precision=precision), make_accelerator(precision, config.train.threads)


def with_threads(config: RunConfig, note: Callable[[str], None]) -> RunConfig:
    """The config with as many threads as cores are free, where neither it nor OMP_NUM_THREADS says how many.

    The number is part of the config from then on, since sums that are made in other parts may differ in their last
    bits. Several processes share the cores as `default_threads` says.
    """
    if config.train.threads or "OMP_NUM_THREADS" in os.environ or (launched_processes() or 1) > 1:
        return config
    cores = available_cores()
    threads = idle_cores()
    note(f"train.threads={threads}: so many of {cores} cores are free")
    return config.with_train(threads=threads)


def settled_batch_size(
    module: StepModule, loader: Loader, accelerator: Accelerator, note: Callable[[str], None]
) -> int:
    """The largest power of two of examples that is still worth it: its step fits into the memory that is free, a pass
    over the training examples takes `LEAST_STEPS` steps or more, and the last doubling made a `GAIN` in examples per
    second.

    What a step keeps for its backward pass is measured for one example; weights, their gradients and an optimizer with
    two numbers for each are put aside first. The number is of all processes together.

    Raises:
        PluglmError: where not even one example fits.
    """
    each = saved_bytes(module, loader, accelerator)
    state = 4 * sum(p.numel() * p.element_size() for p in module.parameters() if p.requires_grad)
    if accelerator.device.type == "cuda":
        free = torch.cuda.mem_get_info()[0]
    else:
        free = psutil.virtual_memory().available // accelerator.num_processes
    fitting = int((USED * free - state) / each)
    if fitting < 1:
        raise PluglmError(
            f"train.batch_size=auto: an example takes {each / 1e6:,.0f} MB beside {state / 1e6:,.0f} MB of weights "
            f"and their state, and {free / 1e6:,.0f} MB are free: choose a smaller model or data.sequence_length"
        )
    share = len(loader.train) // (LEAST_STEPS * loader.accumulation * loader.shares)
    # A process computes its share of the examples.
    own, rate = worthwhile(
        max(1, min(fitting, share)), lambda size: examples_per_second(module, loader, accelerator, size)
    )
    size = agreed(own * loader.shares, accelerator)
    limits = f"an example takes {each / 1e6:,.1f} MB of {free / 1e6:,.0f} MB that are free"
    note(f"train.batch_size=auto: {size} ({rate:,.0f} examples/s; {limits}; {len(loader.train):,} make a pass)")
    return size


def worthwhile(most: int, rate_of: Callable[[int], float]) -> tuple[int, float]:
    """The largest power of two up to `most` to which the doublings gained, and its rate. Two doublings that gain too
    little end the search; one alone may be chance."""
    chosen, best = 1, rate_of(1)
    size, missed = 2, 0
    while size <= most and missed < 2:
        missed += 1
        rate = rate_of(size)
        if rate >= best * (1 + GAIN) ** missed:
            chosen, best, missed = size, rate, 0
        size *= 2
    return chosen, best


def examples_per_second(module: StepModule, loader: Loader, accelerator: Accelerator, size: int) -> float:
    """How many examples this process computes in a second, forward and backward, `size` at a time: the best of a
    few. Nothing of it remains in the model."""
    buffers = {name: buffer.detach().clone() for name, buffer in module.named_buffers()}
    times: list[float] = []
    # The first one is slower.
    for batch in replace(loader, batch_size=size).training_batches(1 + TIMED):
        started = time.perf_counter()
        with accelerator.autocast():
            loss, _, _ = module(batch)
        loss.backward()
        if accelerator.device.type == "cuda":
            torch.cuda.synchronize()
        times.append(time.perf_counter() - started)
        module.zero_grad(set_to_none=True)
        if sum(times) > TIMED_SECONDS:
            break
    with torch.no_grad():
        for name, buffer in module.named_buffers():
            buffer.copy_(buffers[name])
    return size / min(times)


def saved_bytes(module: StepModule, loader: Loader, accelerator: Accelerator) -> int:
    """What the forward pass of the longest of a few examples keeps for the backward pass; each storage counts once."""
    kept: dict[int, int] = {}
    own = {parameter.untyped_storage().data_ptr() for parameter in module.parameters()}

    def keep(tensor: torch.Tensor) -> torch.Tensor:
        storage = tensor.untyped_storage()
        if storage.data_ptr() not in own:
            kept[storage.data_ptr()] = storage.nbytes()
        return tensor

    most = 1
    for batch in loader.training_batches(4):
        kept.clear()
        with torch.autograd.graph.saved_tensors_hooks(keep, lambda tensor: tensor), accelerator.autocast():
            loss, _, _ = module(batch)
        most = max(most, sum(kept.values()))
        del loss
    return most
