"""Layers that are computed again in the backward pass, so that what is inside them need not be kept until then."""

from __future__ import annotations

from typing import TYPE_CHECKING

from pluglm.errors import ConfigError, Problem

if TYPE_CHECKING:
    from transformers import PreTrainedModel


def recompute_activations(model: PreTrainedModel) -> None:
    """Let each layer keep only its input for the backward pass, and compute the rest again from it, with the same
    random numbers: the same loss and gradients. It acts in training mode alone. Source: Chen et al. 2016,
    https://arxiv.org/abs/1604.06174.

    Raises:
        ConfigError: where `transformers` does not know how for this model.
    """
    if not model.supports_gradient_checkpointing:
        reason = f"is not known of a {type(model).__name__} of transformers"
        raise ConfigError([Problem("train.recompute_activations", reason, True)])
    # The later name of the two; the first argument is passed to torch's checkpoint.
    enable = getattr(model, "activation_checkpointing_enable", None) or model.gradient_checkpointing_enable
    enable({"use_reentrant": False, "preserve_rng_state": True})
    # Only the reentrant kind needs inputs with gradients where the embeddings are frozen.
    model.disable_input_require_grads()
