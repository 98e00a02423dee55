"""The memory of a training process."""

from __future__ import annotations

from bisect import bisect_left
from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from pluglm.planning.passes import Pass, Update
from pluglm.planning.storage_estimate import saves

if TYPE_CHECKING:
    from pluglm.config.run_config import RunConfig

OWN_PAGES = 1 << 25
"""From so many bytes on, the C library (glibc) gives a block pages of its own, and back to the system when it is freed.
Smaller ones lie in its heap, which does not shrink while anything lies at its end."""
BETWEEN = 0.4
"""Bytes of the heap that lie unused between blocks, for each byte of the blocks of a forward and backward
pass. Measured in training with nine models and batches, 0.31 to 0.5: a block that was given back is a little too small
for the next one of its size, because torch asks for blocks that begin at multiples of 64."""


@dataclass(frozen=True, slots=True)
class Held:
    """Bytes of `weights`, `gradients`, the optimizer's `state`, `activations` kept for the backward pass, `logits`
    (part of what lies on top of these for a moment), and `extra` (buffers, models beside); the most of all of them at
    once in a forward and backward pass (`passing`), in the optimizer's step (`stepping`) and while a checkpoint is
    written (`saving`); and the most that a process on a CPU takes for them (`resident`)."""

    weights: int
    gradients: int
    state: int
    activations: int
    logits: int
    extra: int
    passing: int
    stepping: int
    saving: int
    resident: int

    @property
    def peak(self) -> int:
        """The most of all tensors at once."""
        return max(self.passing, self.stepping, self.saving)

    def as_dict(self) -> dict[str, int]:
        """For plan.json."""
        return {
            "weights": self.weights,
            "gradients": self.gradients,
            "optimizer": self.state,
            "activations": self.activations,
            "logits": self.logits,
            "other": self.extra,
        }


def held(
    config: RunConfig, steps: int, sizes: Sequence[int], gradients: int, extra: int, largest: Pass, update: Update
) -> Held:
    """What a process holds that computes whole batches with the whole model, out of what was rehearsed: `sizes` of the
    parameters, a pass, and an update."""
    weights = sum(sizes)
    lasting = weights + extra + update.state
    working = largest.working
    # From the second micro-batch on, gradients are there when activations are made.
    earlier = gradients if config.train.gradient_accumulation > 1 else 0
    # Where a step is logged, the trained weights from before it are kept until it is done.
    stepping = 2 * gradients + update.working
    # A checkpoint's tensors are copied while training stands still, and the optimizer's once more while they are
    # written, beside the steps that follow.
    snapshot = weights + update.state
    beside = snapshot + update.state if saves(config, steps) > 1 else 0
    heap = round((1 + BETWEEN) * (working - sum(block for block in largest.blocks if block >= OWN_PAGES)))
    mapped = working - round(heap / (1 + BETWEEN))
    copied = [*sizes, *(round(update.state / max(1, weights) * size) for size in sizes)]
    copies = growth(copied, largest.blocks)
    return Held(
        weights=weights,
        gradients=gradients,
        state=update.state,
        activations=largest.activations,
        logits=largest.logits,
        extra=extra,
        passing=lasting + working + earlier + beside,
        stepping=lasting + stepping + beside,
        saving=lasting + snapshot + update.state,
        resident=lasting + max(earlier + heap + mapped + beside, stepping + beside, heap + copies + update.state),
    )


def growth(wanted: Sequence[int], free: Sequence[int]) -> int:
    """Bytes by which a heap grows where blocks are wanted in it that has free places of these sizes: each goes into the
    smallest that holds it, and what is left of that stays free."""
    places, grown = sorted(size for size in free if size < OWN_PAGES), 0
    for size in sorted(wanted, reverse=True):
        found = bisect_left(places, size + 1)
        if found == len(places):
            grown += size
        else:
            left = places.pop(found) - size
            places.insert(bisect_left(places, left), left)
    return grown


def cache_bytes(model_config: Any, length: int, texts: int, bytes_per_number: int = 4) -> int | None:
    """Bytes of the keys and values of all tokens while `texts` are written, up to `length` tokens each; None for models
    that do not write."""
    own = model_config.get_text_config()
    layers = getattr(own, "num_hidden_layers", None) or getattr(own, "n_layer", None)
    heads = getattr(own, "num_attention_heads", None) or getattr(own, "n_head", None)
    width = getattr(own, "hidden_size", None) or getattr(own, "n_embd", None)
    if not (layers and heads and width):
        return None
    groups = getattr(own, "num_key_value_heads", None) or heads
    each = getattr(own, "head_dim", None) or getattr(own, "d_kv", None) or width // heads
    both = 2 if getattr(own, "is_encoder_decoder", False) else 1  # of what was read, too
    return int(2 * layers * groups * each * length * texts * bytes_per_number * both)
