"""What a config leaves to the machine (`auto`), measured and written into it."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING

import psutil
import torch

from pluglm.batching.loader import Loader
from pluglm.config.run_config import RunConfig
from pluglm.errors import PluglmError
from pluglm.files.storage import cache_folder
from pluglm.training.distribution import agreed, make_accelerator
from pluglm.training.precision import fastest_precision
from pluglm.training.step_module import StepModule

if TYPE_CHECKING:
    from accelerate import Accelerator

USED = 0.7
"""The share of free memory that a step may take: what lies between the operations is not counted."""


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


def fitting_batch_size(
    module: StepModule, loader: Loader, accelerator: Accelerator, note: Callable[[str], None]
) -> int:
    """The largest power of two of examples whose step fits into the memory that is free, no more than there are.

    What a step keeps for its backward pass is measured for one example; weights, their gradients and an optimizer with
    two numbers for each are put aside first.

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
    # A process computes its share of the examples.
    wanted = min(fitting * loader.shares, len(loader.train))
    size = agreed(1 << (wanted.bit_length() - 1), accelerator)
    note(f"train.batch_size=auto: {size} (an example takes {each / 1e6:,.1f} MB, {free / 1e6:,.0f} MB are free)")
    return size


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
