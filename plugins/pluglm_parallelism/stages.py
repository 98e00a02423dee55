"""A model of which this process holds some blocks, and what comes before the first or after the last of all.

The model keeps its structure, and with it the names of its parameters: what another process computes is passed by.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import torch

from pluglm import PluglmError, layer_stacks

if TYPE_CHECKING:
    from collections.abc import Iterator


class Reached(Exception):
    """The end of what this process computes: `hidden` (batch, tokens, width) goes on to the next."""

    def __init__(self, hidden: torch.Tensor) -> None:
        super().__init__("the end of this stage")
        self.hidden = hidden


class Passing(torch.nn.Module):
    """In the place of a block of an earlier process: gives what that process sent, once for every time it is set."""

    def __init__(self, block: torch.nn.Module) -> None:
        super().__init__()
        # Models ask a block for the kind of its attention, and the like.
        plain = {name: value for name, value in vars(block).items() if not name.startswith("_")}
        self.__dict__.update({name: value for name, value in plain.items() if name != "training"})
        self._shape: torch.Size | None = None
        self._received: torch.Tensor | None = None

    def receive(self, hidden: torch.Tensor) -> None:
        """Give `hidden` the next time."""
        self._shape, self._received = hidden.shape, hidden

    def forward(self, hidden: torch.Tensor, *_: Any, **__: Any) -> torch.Tensor:
        """What was received; `hidden`, which stands for nothing, where a later block will replace it, or where somebody
        tries the model on an example of another shape."""
        if self._shape is None or (hidden.shape != self._shape and not torch.is_grad_enabled()):
            return hidden
        received, self._received = self._received, None
        if received is None or received.shape != hidden.shape:
            raise PluglmError(
                "parallelism=pipeline computes the model once per batch, and something in this run does otherwise"
            )
        return received


class Ending(Passing):
    """In the place of a block of a later process."""

    def forward(self, hidden: torch.Tensor, *_: Any, **__: Any) -> torch.Tensor:
        """Raises:
        Reached: always.
        """
        raise Reached(hidden)


class StageModel:
    """`model`, changed in place to hold what stage `stage` of `stages` computes.

    Attributes:
        entrance: what takes the hidden states of the stage before; None in the first.
        shared: the weight that the first stage uses as embedding and the last one as output head, as each holds it: the
            first as its parameter, the last as a copy that is no parameter. None elsewhere, and where none is shared.

    Raises:
        PluglmError: where the model has too few blocks.
    """

    def __init__(self, model: Any, stage: int, stages: int) -> None:
        stacks = layer_stacks(model).items()
        blocks = {f"{stack}.{name}": block for stack, held in stacks for name, block in held.named_children()}
        if len(blocks) < stages:
            raise PluglmError(f"the model's {len(blocks)} blocks cannot be divided over {stages} processes")
        first, last = stage == 0, stage == stages - 1
        before, after = around(model, blocks)
        shared = {id(p) for _, _, p in own_parameters(before)} & {id(p) for _, _, p in own_parameters(after)}
        self.entrance: Passing | None = None
        self.shared: torch.Tensor | None = None
        if len(shared) > 1:
            raise PluglmError("parallelism=pipeline works with models that share one weight at most between their ends")
        self._hold(before, after, shared, first, last)
        own = range(stage * len(blocks) // stages, (stage + 1) * len(blocks) // stages)
        for number, (name, block) in enumerate(blocks.items()):
            if number not in own:
                passing = (Passing if number < own.start else Ending)(block)
                model.set_submodule(name, passing)
                if number == own.start - 1:
                    self.entrance = passing

    def _hold(
        self, before: list[torch.nn.Module], after: list[torch.nn.Module], shared: set[int], first: bool, last: bool
    ) -> None:
        for module, name, parameter in list(own_parameters(after)):
            if first and id(parameter) in shared:
                self.shared = parameter
            if not last:
                setattr(module, name, None)
            elif id(parameter) in shared:
                if self.shared is None:
                    self.shared = parameter.detach().clone().requires_grad_(parameter.requires_grad)
                del module._parameters[name]
                setattr(module, name, self.shared)
        if not first:
            for module in before:
                stand_in(module)


def around(model: Any, blocks: dict[str, torch.nn.Module]) -> tuple[list[torch.nn.Module], list[torch.nn.Module]]:
    """The modules with parameters of their own that the model calls before its blocks, and all others outside of them,
    found by letting it read a few tokens."""
    inside = {id(module) for block in blocks.values() for module in block.modules()}
    outside = [m for m in model.modules() if id(m) not in inside and any(True for _ in m.parameters(recurse=False))]
    before: list[torch.nn.Module] = []
    entered = False

    def enter(*_: Any) -> None:
        nonlocal entered
        entered = True

    def note(module: torch.nn.Module, *_: Any) -> None:
        if not entered and module not in before:
            before.append(module)

    hooks = [module.register_forward_pre_hook(note) for module in outside]
    hooks.append(next(iter(blocks.values())).register_forward_pre_hook(enter))
    was_training = model.training
    with torch.no_grad():
        model.eval()(input_ids=torch.arange(4, device=model.device)[None])
    model.train(was_training)
    for hook in hooks:
        hook.remove()
    return before, [module for module in outside if module not in before]


def own_parameters(modules: list[torch.nn.Module]) -> Iterator[tuple[torch.nn.Module, str, torch.nn.Parameter]]:
    """The parameters of each module itself: module, name, parameter."""
    for module in modules:
        yield from ((module, name, p) for name, p in module._parameters.items() if p is not None)


def stand_in(module: Any) -> None:
    """Let a module of the first process, without its parameters, give something of the right shape, which is not used:
    its outputs are replaced by what is received."""
    for name in list(module._parameters):
        setattr(module, name, None)
    kind = type(module)
    if issubclass(kind, torch.nn.Embedding):
        module.forward = lambda ids, *_, **__: torch.zeros(*ids.shape, module.embedding_dim, device=ids.device)
    elif issubclass(kind, torch.nn.Linear):
        module.forward = lambda x, *_, **__: x.new_zeros(*x.shape[:-1], module.out_features)
    else:
        module.forward = lambda x, *_, **__: x
