"""Magnitude pruning."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Annotated, Any, Literal

from pydantic import Field, field_validator

from pluglm import Compressor, PluglmError, TrainingRun
from pluglm_compressors.layers import is_transposed, linear_layers

if TYPE_CHECKING:
    import torch


def smallest(weights: Sequence[torch.Tensor], sparsity: float) -> list[torch.Tensor]:
    """A mask for each weight, true for those of the smallest magnitude over all: exactly round(sparsity * n) of n."""
    import torch

    magnitudes = torch.cat([weight.detach().abs().flatten() for weight in weights])
    chosen = torch.zeros(len(magnitudes), dtype=torch.bool, device=magnitudes.device)
    # Of equal magnitudes the first go, whichever algorithm would have sorted them.
    chosen[magnitudes.argsort(stable=True)[: round(sparsity * len(magnitudes))]] = True
    parts = torch.split(chosen, [weight.numel() for weight in weights])
    return [part.view_as(weight) for part, weight in zip(parts, weights, strict=True)]


def smallest_in_groups(weight: torch.Tensor, zeros: int, size: int) -> torch.Tensor:
    """A mask of `weight` (out, in), true for the `zeros` smallest of every `size` neighbours in a row."""
    import torch

    groups = weight.detach().abs().view(len(weight), -1, size)
    order = groups.argsort(dim=-1, stable=True)[..., :zeros]
    return torch.zeros_like(groups, dtype=torch.bool).scatter_(-1, order, True).view_as(weight)


class MagnitudePruning(Compressor):
    """Sets the weights of the smallest magnitude to 0.

    This is no smaller on disk and no faster by itself, but open to formats and hardware that use zeros, and the
    yardstick for every other way of pruning. Linear layers are pruned; embeddings, norms and biases are not, nor the
    output head unless asked for.

    Sources: Han et al. 2015, https://arxiv.org/abs/1506.02626; Mishra et al. 2021, https://arxiv.org/abs/2104.08378
    (2:4).
    """

    sparsity: Annotated[float, Field(ge=0, lt=1, description="Share of the weights that become 0")] = 0.5
    scope: Annotated[
        Literal["global", "layer"], Field(description="That share over all layers together, or in each")
    ] = "global"
    nm: Annotated[
        str | None,
        Field(
            pattern=r"^[1-9]\d*:[1-9]\d*$",
            description="Keep n of every m neighbours, such as 2:4, in place of sparsity and scope; null for neither",
        ),
    ] = None
    head: Annotated[
        bool, Field(description="Also the output head, and the input embeddings where it shares their weights")
    ] = False

    @field_validator("nm")
    @classmethod
    def _fewer_than_all(cls, nm: str | None) -> str | None:
        if nm is not None and int(nm.partition(":")[0]) >= int(nm.partition(":")[2]):
            raise ValueError("the first number, of weights kept, must be below the second")
        return nm

    def compress(self, run: TrainingRun) -> torch.nn.Module:
        """The model with zeros.

        Raises:
            PluglmError: where it has no linear layers of floats, or their width does not divide into groups.
        """
        import torch

        layers = linear_layers(run.model, self.head)
        if not layers:
            raise PluglmError(
                f"compressor={self.name} found no float weights in linear layers; put it before what quantizes them"
            )
        weights: list[Any] = [layer.weight for layer in layers.values()]
        with torch.no_grad():
            for weight, mask in zip(weights, self._masks(layers), strict=True):
                weight[mask] = 0
        zeros, total = sum(int((weight == 0).sum()) for weight in weights), sum(weight.numel() for weight in weights)
        every = sum(parameter.numel() for parameter in run.model.parameters())
        run.note(
            f"{self.name}: {zeros:,} of {total:,} weights in {len(weights)} linear layers are 0 ({zeros / total:.1%}), "
            f"{zeros / every:.1%} of all parameters"
        )
        pruned: torch.nn.Module = run.model
        return pruned

    def _masks(self, layers: dict[str, torch.nn.Module]) -> list[torch.Tensor]:
        weights: list[Any] = [layer.weight for layer in layers.values()]
        if self.nm is None:
            if self.scope == "global":
                return smallest(weights, self.sparsity)
            return [smallest([weight], self.sparsity)[0] for weight in weights]
        kept, size = (int(number) for number in self.nm.split(":"))
        masks = []
        for name, layer in layers.items():
            weight: Any = layer.weight.T if is_transposed(layer) else layer.weight
            if weight.shape[1] % size:
                raise PluglmError(f"compressor={self.name}: {name} has {weight.shape[1]} inputs, not groups of {size}")
            mask = smallest_in_groups(weight.contiguous(), size - kept, size)
            masks.append(mask.T if is_transposed(layer) else mask)
        return masks
