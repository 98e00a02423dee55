"""Which weights of a model stay as they are."""

from __future__ import annotations

from collections.abc import Collection, Iterator
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from torch import nn
    from transformers import PreTrainedModel


def freeze(model: PreTrainedModel, what: bool | int, new: Collection[str] = ()) -> None:
    """Let the body (True), or the embeddings and the first `what` layers, get no gradient. Parameters called `new`,
    which are not trained yet (such as a pooler below a new head), do."""
    from torch import nn

    if what is False or what == 0:
        return
    if what is True:
        model.base_model.requires_grad_(False)
        for name, parameter in model.named_parameters():
            if name in new:
                parameter.requires_grad_(True)
        return
    layers = next(
        module
        for module in model.base_model.modules()
        if isinstance(module, nn.ModuleList) and len(module) == model.config.num_hidden_layers
    )
    for module in [*before(layers, model.base_model), *layers[:what]]:
        module.requires_grad_(False)


def before(layers: nn.ModuleList, body: nn.Module) -> Iterator[nn.Module]:
    """The parts of `body` that make embeddings, their norms among them, and do not hold `layers`."""
    from torch import nn

    for part in body.children():
        if part is not layers and any(module is layers for module in part.modules()):
            yield from before(layers, part)
        elif part is not layers and any(isinstance(module, nn.Embedding) for module in part.modules()):
            yield part
