"""Cross-entropy of a linear head over a large vocabulary, some tokens at a time.

The logits of a few thousand tokens over 50,000 words take more memory than the rest of a small model's step, and their
softmax and its gradient as much again. Here no more than `chunk` tokens have logits at once: while they are there, the
gradients that follow from them are added up, so that the backward pass needs none.

This module brings torch with it: import it where it is used.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Any

import torch
import torch.nn.functional as F


def token_cross_entropy(
    logits: torch.Tensor, targets: torch.Tensor, z_loss: float = 0.0
) -> tuple[torch.Tensor, torch.Tensor | None]:
    """((n,) losses in nats, (n,) log-normalisers log Z where z_loss asks for them) of logits (n, classes), all at once.

    A loss is -log p(target) + z_loss * log(Z)^2, where Z is the sum of the exponentials of the logits; the second part
    keeps Z near 1 (Chowdhery et al. 2022, https://arxiv.org/abs/2204.02311, section 5).
    """
    losses = F.cross_entropy(logits, targets, reduction="none")
    if not z_loss:
        return losses, None
    normalisers = logits.logsumexp(dim=-1)
    return losses + z_loss * normalisers.square(), normalisers.detach()


def chunked_cross_entropy(
    hidden: torch.Tensor,
    weight: torch.Tensor,
    bias: torch.Tensor | None,
    targets: torch.Tensor,
    chunk: int,
    z_loss: float = 0.0,
) -> tuple[torch.Tensor, torch.Tensor]:
    """`token_cross_entropy` of the logits `hidden @ weight.T + bias`, of which `chunk` rows exist at a time.

    hidden: (n, width); weight: (classes, width); bias: (classes,) or None; targets: (n,) ints. Under autocast the
    products are taken in its number format, and all else in fp32. Gradients are exact: they are those of the sum of the
    losses, scaled where all losses count alike, and made again from new logits where they do not.
    """
    wanted = torch.is_grad_enabled() and any(t is not None and t.requires_grad for t in (hidden, weight, bias))
    apply: Callable[..., tuple[torch.Tensor, torch.Tensor]] = _ChunkedCrossEntropy.apply
    return apply(hidden, weight, bias, targets, chunk, z_loss, wanted)


def chunked_argmax(hidden: torch.Tensor, linear: torch.nn.Linear, chunk: int) -> torch.Tensor:
    """(n,) the class with the largest logit for each row of `hidden` (n, width)."""
    found = [linear(part).argmax(dim=-1) for part in torch.split(hidden, chunk)]
    return torch.cat(found) if found else hidden.new_zeros(0, dtype=torch.long)


class _ChunkedCrossEntropy(torch.autograd.Function):
    @staticmethod
    def forward(
        ctx: Any,
        hidden: torch.Tensor,
        weight: torch.Tensor,
        bias: torch.Tensor | None,
        targets: torch.Tensor,
        chunk: int,
        z_loss: float,
        wanted: bool,
    ) -> tuple[torch.Tensor, torch.Tensor]:
        needs = [wanted and bool(needed) for needed in ctx.needs_input_grad[:3]]
        ctx.needs, ctx.chunk, ctx.z_loss, ctx.dtype = needs, chunk, z_loss, matmul_dtype(hidden)
        losses = hidden.new_empty(len(targets), dtype=torch.float32)
        normalisers = torch.empty_like(losses)
        gradients = _Gradients(hidden, weight, bias, needs)
        for rows, h, w, logits in _logits(hidden, weight, bias, chunk, ctx.dtype):
            picked = logits.gather(1, targets[rows, None])
            # The exponentials stand where the logits were: they are needed for the sum, and again for the gradient.
            top = logits.amax(dim=1, keepdim=True)
            total = logits.sub_(top).exp_().sum(dim=1, keepdim=True)
            logarithm = top + total.log()
            losses[rows] = (logarithm - picked + z_loss * logarithm.square())[:, 0]
            normalisers[rows] = logarithm[:, 0]
            if any(needs):
                slopes = logits.mul_((1 + 2 * z_loss * logarithm) / total)
                slopes.scatter_add_(1, targets[rows, None], slopes.new_full((len(slopes), 1), -1.0))
                gradients.add(rows, slopes, h, w)
        ctx.ready = gradients
        ctx.save_for_backward(hidden, weight, bias, targets)
        ctx.mark_non_differentiable(normalisers)
        return losses, normalisers

    @staticmethod
    @torch.autograd.function.once_differentiable
    def backward(ctx: Any, scale: torch.Tensor, _: Any) -> tuple[Any, ...]:
        hidden, weight, bias, targets = ctx.saved_tensors
        ready, ctx.ready = ctx.ready, None  # what is given away is not there for a second backward pass
        if ready is not None and (len(scale) == 0 or bool((scale == scale[0]).all())):
            gradients = ready.scaled(scale[0] if len(scale) else 1.0)
        else:
            gradients = _Gradients(hidden, weight, bias, ctx.needs)
            for rows, h, w, logits in _logits(hidden, weight, bias, ctx.chunk, ctx.dtype):
                logarithm = logits.logsumexp(dim=1, keepdim=True)
                slopes = logits.sub_(logarithm).exp_().mul_(1 + 2 * ctx.z_loss * logarithm)
                slopes.scatter_add_(1, targets[rows, None], slopes.new_full((len(slopes), 1), -1.0))
                gradients.add(rows, slopes.mul_(scale[rows, None]), h, w)
        return *gradients.typed(hidden, weight, bias), None, None, None, None


class _Gradients:
    """Of hidden, weight and bias, those of them that are needed; the last two in fp32, as they are added up."""

    def __init__(
        self, hidden: torch.Tensor, weight: torch.Tensor, bias: torch.Tensor | None, needs: list[bool]
    ) -> None:
        self.hidden = torch.empty_like(hidden) if needs[0] else None
        self.weight = torch.zeros_like(weight, dtype=torch.float32) if needs[1] else None
        self.bias = torch.zeros_like(bias, dtype=torch.float32) if bias is not None and needs[2] else None

    def add(self, rows: slice, slopes: torch.Tensor, hidden: torch.Tensor, weight: torch.Tensor) -> None:
        """Add what follows from the slopes (rows, classes) of the losses over the logits."""
        if self.bias is not None:
            self.bias += slopes.sum(dim=0)
        slopes = slopes.to(weight.dtype)
        if self.hidden is not None:
            self.hidden[rows] = slopes @ weight
        if self.weight is not None and weight.dtype == torch.float32:
            self.weight.addmm_(slopes.t(), hidden)
        elif self.weight is not None:
            self.weight += slopes.t() @ hidden

    def scaled(self, factor: Any) -> _Gradients:
        """These, times a number."""
        if factor != 1:
            for gradient in (self.hidden, self.weight, self.bias):
                if gradient is not None:
                    gradient.mul_(factor)
        return self

    def typed(self, *inputs: torch.Tensor | None) -> list[torch.Tensor | None]:
        """In the number formats of what they are gradients of."""
        found = (self.hidden, self.weight, self.bias)
        return [g if g is None or i is None else g.to(i.dtype) for g, i in zip(found, inputs, strict=True)]


def matmul_dtype(hidden: torch.Tensor) -> torch.dtype:
    """The number format in which products with `hidden` are taken: autocast's where it is on."""
    kind = hidden.device.type
    return torch.get_autocast_dtype(kind) if torch.is_autocast_enabled(kind) else hidden.dtype


def _logits(
    hidden: torch.Tensor, weight: torch.Tensor, bias: torch.Tensor | None, chunk: int, dtype: torch.dtype
) -> Iterator[tuple[slice, torch.Tensor, torch.Tensor, torch.Tensor]]:
    """Chunk by chunk: which rows, their hidden states and the weight as they are multiplied, and the logits in fp32."""
    with torch.autocast(hidden.device.type, enabled=False):
        w = weight.to(dtype)
        b = None if bias is None else bias.to(dtype)
        for start in range(0, len(hidden), chunk):
            rows = slice(start, start + chunk)
            h = hidden[rows].to(dtype)
            yield rows, h, w, F.linear(h, w, b).float()
