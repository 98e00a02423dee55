"""Running code without its numbers: tensors have shapes and take no memory, and what they would take is added up.

This module brings torch with it: import it where it is used.
"""

from __future__ import annotations

import weakref
from collections.abc import Iterator
from contextlib import AbstractContextManager, contextmanager
from dataclasses import dataclass, field
from typing import Any

import torch
from torch._subclasses.fake_tensor import FakeTensor, FakeTensorMode, unset_fake_temporarily
from torch.utils._python_dispatch import TorchDispatchMode, _disable_current_modes
from torch.utils._pytree import tree_leaves

from pluglm.training.operations import operations

aten = torch.ops.aten
INDEXED = frozenset({aten.index.Tensor, aten.index_put.default, aten.index_put_.default, aten._index_put_impl_.default})


@dataclass(slots=True)
class Meter:
    """Bytes of the tensors that are alive, and the most there were since `begin`; `wide`: the same of those with as
    many columns as the vocabulary has tokens. `operations`: floating-point operations so far; `sizes`: those of
    the tensors that are alive."""

    vocabulary: int = 0
    operations: int = 0
    live: int = 0
    most: int = 0
    wide: int = 0
    most_wide: int = 0
    sizes: dict[int, tuple[int, bool]] = field(default_factory=dict)

    def begin(self) -> int:
        """Forget what was before; the bytes that are alive now."""
        self.most, self.most_wide = self.live, self.wide
        return self.live

    def see(self, tensor: torch.Tensor) -> None:
        """Count the memory of a tensor that was not seen before, until it is given back."""
        storage = tensor.untyped_storage()
        key = storage._cdata
        if key in self.sizes:
            return
        wide = tensor.ndim > 0 and tensor.shape[-1] == self.vocabulary
        self.sizes[key] = size, wide = storage.nbytes(), wide
        self.live += size
        self.wide += size * wide
        self.most, self.most_wide = max(self.most, self.live), max(self.most_wide, self.wide)
        weakref.finalize(storage, self._gone, key)

    def _gone(self, key: int) -> None:
        size, wide = self.sizes.pop(key)
        self.live -= size
        self.wide -= size * wide


class Simulation(TorchDispatchMode):  # type: ignore[no-untyped-call]
    """Operations on tensors without memory, beside real ones, which stay real as long as they are among themselves: so
    masks and labels have their numbers, on which shapes depend. Where a number of a tensor without memory is asked for,
    it is 1."""

    def __init__(self, vocabulary: int) -> None:
        super().__init__()  # type: ignore[no-untyped-call]
        self.meter = Meter(vocabulary)
        self.fake = FakeTensorMode(allow_non_fake_inputs=True)

    def adopt(self, module: torch.nn.Module) -> None:
        """Let the parameters and buffers of a module that was built on the meta device take part, as if on the CPU."""
        known: dict[int, torch.Tensor] = {}

        def taken(tensor: torch.Tensor) -> torch.Tensor:
            if id(tensor) not in known:
                fake: torch.Tensor = FakeTensor(self.fake, tensor.detach(), torch.device("cpu"))
                self.meter.see(fake)
                if isinstance(tensor, torch.nn.Parameter):
                    fake = torch.nn.Parameter(fake, requires_grad=tensor.requires_grad)
                known[id(tensor)] = fake
            return known[id(tensor)]

        for part in module.modules():
            for held in (part._parameters, part._buffers):
                for name, tensor in held.items():
                    if tensor is not None and tensor.device.type == "meta":
                        held[name] = taken(tensor)  # type: ignore[assignment]

    def __torch_dispatch__(self, func: Any, types: Any, args: Any = (), kwargs: Any = None) -> Any:
        kwargs = kwargs or {}
        tensors = [leaf for leaf in tree_leaves((args, kwargs)) if isinstance(leaf, torch.Tensor)]
        if tensors and not any(isinstance(tensor, FakeTensor) for tensor in tensors):
            with unset_fake_temporarily():
                found = func(*args, **kwargs)
        elif func is aten._local_scalar_dense.default:
            return {torch.bool: True}.get(args[0].dtype, 1.0 if args[0].is_floating_point() else 1)
        else:
            if func in INDEXED:
                args = (args[0], _places(args[1]), *args[2:])
            found = func(*args, **kwargs)
            self.meter.operations += operations(func, args, kwargs, found)
        for leaf in tree_leaves(found):
            if isinstance(leaf, torch.Tensor):
                self.meter.see(leaf)
        return found


def _places(indices: Any) -> list[Any]:
    """Masks among indices as the places they pick: of a real one these are known, and so is how many they are."""
    found: list[Any] = []
    for index in indices:
        if isinstance(index, torch.Tensor) and index.dtype == torch.bool and not isinstance(index, FakeTensor):
            with unset_fake_temporarily():
                found += index.nonzero(as_tuple=True)
        else:
            found.append(index)
    return found


def outside() -> AbstractContextManager[Any]:
    """Within it, tensors are real again."""
    return _disable_current_modes()


@contextmanager
def simulated(vocabulary: int = 0) -> Iterator[Simulation]:
    """Within it, tensors that are made take no memory; the simulation's meter says what they would."""
    simulation = Simulation(vocabulary)
    with simulation.fake, simulation:
        yield simulation
