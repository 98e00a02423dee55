"""Divergences of a student's answers from its teacher's."""

from __future__ import annotations

from typing import TYPE_CHECKING, Literal

from pluglm import Batch

if TYPE_CHECKING:
    import torch

Divergence = Literal["forward_kl", "reverse_kl", "jsd"]


def divergence(student: torch.Tensor, teacher: torch.Tensor, temperature: float, kind: Divergence) -> torch.Tensor:
    """(...) T^2 times the divergence of the softened distributions, in nats, from logits (..., choices).

    `forward_kl` is KL(teacher || student), `reverse_kl` KL(student || teacher), `jsd` the mean of both to their
    mixture. T^2 keeps the gradients' size, whatever the temperature.
    """
    import torch

    p = (teacher.float() / temperature).log_softmax(dim=-1)
    q = (student.float() / temperature).log_softmax(dim=-1)
    if kind == "forward_kl":
        found = _kl(p, q)
    elif kind == "reverse_kl":
        found = _kl(q, p)
    else:
        middle = torch.logaddexp(p, q) - torch.log(torch.tensor(2.0))
        found = (_kl(p, middle) + _kl(q, middle)) / 2
    return found * temperature**2


def _kl(p: torch.Tensor, q: torch.Tensor) -> torch.Tensor:
    return (p.exp() * (p - q)).sum(dim=-1)


def counted_positions(batch: Batch, logits: torch.Tensor, causal: bool) -> tuple[slice, torch.Tensor]:
    """Which positions of (batch, positions, choices) logits the objective counts, as a slice of the positions and a
    (batch, positions) mask; a classifier's (batch, choices) logits are all counted."""
    import torch

    if logits.ndim == 2:
        return slice(None), torch.ones(len(logits), 1, dtype=torch.bool, device=logits.device)
    labels = batch["labels"]
    return (slice(None, -1), labels[:, 1:] != -100) if causal else (slice(None), labels != -100)
