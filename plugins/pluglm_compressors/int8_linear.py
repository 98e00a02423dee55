"""A linear layer with int8 weights. Imports torch: import it inside functions only."""

from __future__ import annotations

import warnings
from typing import Any

import torch


def quantize_rows(weight: torch.Tensor) -> tuple[torch.Tensor, torch.Tensor]:
    """(out, in) int8 and (out,) float32 scales: weight is about int8 * scale, to half a scale in each row.

    The largest magnitude of a row is 127.5 scales, as in torch's own symmetric observers.
    """
    weight = weight.detach().float()
    scale = (weight.abs().amax(dim=1) / 127.5).clamp(min=torch.finfo(torch.float32).eps)
    return (weight / scale[:, None]).round().clamp(-128, 127).to(torch.int8), scale


class Int8Linear(torch.nn.Module):
    """x W^T + b with W in int8 and a scale per row; x is quantized as it comes, over the whole batch.

    `int8_weight` is not called `weight`, so that nothing that knows only float layers loads it by mistake.
    """

    def __init__(self, weight: torch.Tensor, bias: torch.nn.Parameter | None) -> None:
        """Args: weight: (out, in) floats; bias: (out,), shared with whoever else has it."""
        super().__init__()
        quantized, scale = quantize_rows(weight)
        self.out_features, self.in_features = quantized.shape
        self.int8_weight = torch.nn.Parameter(quantized, requires_grad=False)
        self.scale = torch.nn.Parameter(scale, requires_grad=False)
        self.bias = bias
        self._packed: Any = None

    def _apply(self, *args: Any, **kwargs: Any) -> Int8Linear:
        self._packed = None
        return super()._apply(*args, **kwargs)  # type: ignore[no-any-return, no-untyped-call]

    def _load_from_state_dict(self, *args: Any, **kwargs: Any) -> None:
        self._packed = None
        super()._load_from_state_dict(*args, **kwargs)

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        """(..., in) to (..., out), in the type of `x`."""
        if x.device.type != "cpu":
            y = torch.nn.functional.linear(x, (self.int8_weight * self.scale[:, None]).to(x.dtype))
            return y if self.bias is None else y + self.bias.to(y.dtype)
        if self._packed is None:
            self._packed = self._pack()
        # A bit less range for x: without it, kernels for processors without VNNI overflow.
        y = torch.ops.quantized.linear_dynamic(x.float(), self._packed, True)
        return y.to(x.dtype)  # type: ignore[no-any-return]

    def _pack(self) -> Any:
        with warnings.catch_warnings():
            # torch means to drop tensors of quantized type, which its fast operator still asks for.
            warnings.simplefilter("ignore")
            quantized = torch._make_per_channel_quantized_tensor(
                self.int8_weight.detach(), self.scale.double(), torch.zeros(self.out_features, dtype=torch.long), 0
            )
        bias = None if self.bias is None else self.bias.detach().float()
        return torch.ops.quantized.linear_prepack(quantized, bias)

    def extra_repr(self) -> str:
        return f"in_features={self.in_features}, out_features={self.out_features}, bias={self.bias is not None}"
