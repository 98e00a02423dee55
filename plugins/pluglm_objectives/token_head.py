"""The layer that turns a model's hidden states into logits over the vocabulary, and running the model without it."""

from __future__ import annotations

import weakref
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from functools import cached_property
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    import torch
    from transformers import PreTrainedModel

LOGITS = ("logits", "prediction_logits")
"""What `transformers` calls the logits over the vocabulary."""


@dataclass(frozen=True, slots=True)
class TokenHead:
    """The linear layer, and the name under which the model returns what it makes."""

    linear: torch.nn.Linear
    name: str


class LazyOutputs(Mapping[str, Any]):
    """A model's outputs, in which `logits` are made from the hidden states when somebody asks for them."""

    def __init__(self, outputs: Any, name: str, make: Callable[[], torch.Tensor]) -> None:
        self._outputs = outputs
        self._name = name
        self._make = make

    @cached_property
    def logits(self) -> torch.Tensor:
        """(batch, length, vocabulary), differentiable."""
        return self._make()

    def __getitem__(self, name: str) -> Any:
        return self.logits if name in ("logits", self._name) else self._outputs[name]

    def __getattr__(self, name: str) -> Any:
        return self.logits if name == self._name else getattr(self._outputs, name)

    def __iter__(self) -> Iterator[str]:
        return iter(self._outputs)

    def __len__(self) -> int:
        return len(self._outputs)


def without_head(
    model: PreTrainedModel, head: TokenHead, inputs: Mapping[str, Any], **forward: Any
) -> tuple[Any, torch.Tensor]:
    """The model's outputs, with logits made when they are asked for, and what its head would have been given, (batch,
    length, width)."""
    with _replaced(head.linear, lambda hidden: hidden):
        outputs = model(**inputs, **forward)
    hidden = outputs[head.name]
    return LazyOutputs(outputs, head.name, lambda: head.linear(hidden)), hidden


_KNOWN: weakref.WeakKeyDictionary[Any, tuple[weakref.ref[Any], str | None]] = weakref.WeakKeyDictionary()


def token_head(model: PreTrainedModel, inputs: Mapping[str, Any]) -> TokenHead | None:
    """The model's head, or None where its logits are more than a plain linear layer's: where they are capped, shifted
    or scaled afterwards, where the layer is wrapped (by an adapter, by hooks), or its weights lie elsewhere.

    The first time, a model is tried on the beginning of one example of `inputs`.
    """
    linear = model.get_output_embeddings()
    if not _is_plain(linear):
        return None
    known = _KNOWN.get(model)
    if known is None or known[0]() is not linear:
        known = _KNOWN[model] = (weakref.ref(linear), _returned_as(model, linear, inputs))
    return None if known[1] is None else TokenHead(linear, known[1])


def _is_plain(linear: Any) -> bool:
    import torch
    from torch.utils._python_dispatch import is_traceable_wrapper_subclass

    return (
        type(linear) is torch.nn.Linear
        and isinstance(linear.weight, torch.Tensor)
        and not is_traceable_wrapper_subclass(linear.weight)
        and not (linear._forward_hooks or linear._forward_pre_hooks or linear._backward_hooks)
        and "forward" not in vars(linear)
    )


def _returned_as(model: PreTrainedModel, linear: torch.nn.Linear, inputs: Mapping[str, Any]) -> str | None:
    """The name under which the model returns exactly what the layer gave it, tried with numbers as large as no model's
    logits are, so that a cap would show; and with the hidden states, which some models could not handle."""
    import torch

    tiny = {name: _beginning(value) for name, value in inputs.items()}
    classes, width = linear.weight.shape
    given: list[torch.Tensor] = []

    def probe(hidden: torch.Tensor) -> torch.Tensor:
        given.append(hidden)
        numbers = torch.linspace(-1e3, 1e3, classes, device=hidden.device, dtype=hidden.dtype)
        return numbers.expand(*hidden.shape[:-1], classes)

    training = {module: module.training for module in model.modules()}
    model.eval()  # dropout would draw numbers that a resumed run draws at another time
    try:
        with torch.no_grad():
            with _replaced(linear, probe):
                outputs = model(**tiny)
            if len(given) != 1 or given[0].shape[-1] != width or given[0].ndim != 3:
                return None
            name = next((n for n in LOGITS if n in outputs and _equal(outputs[n], probe(given[0]))), None)
            with _replaced(linear, lambda hidden: hidden):
                outputs = model(**tiny)
            return name if name is not None and _equal(outputs[name], given[0]) else None
    except (RuntimeError, ValueError, IndexError, TypeError):
        return None
    finally:
        for module, was in training.items():
            module.training = was


def _equal(one: torch.Tensor, other: torch.Tensor) -> bool:
    return one.shape == other.shape and bool((one == other).all())


def _beginning(value: Any) -> Any:
    """One example, and of that a few tokens."""
    if not hasattr(value, "ndim") or value.ndim < 2:
        return value
    return value[:1, :, :4, :4] if value.ndim == 4 else value[:1, :4]


@contextmanager
def _replaced(linear: torch.nn.Linear, forward: Callable[[torch.Tensor], torch.Tensor]) -> Iterator[None]:
    vars(linear)["forward"] = forward
    try:
        yield
    finally:
        del vars(linear)["forward"]
