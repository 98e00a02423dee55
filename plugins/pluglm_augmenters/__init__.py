"""Changed copies of training documents."""

from __future__ import annotations

from pluglm import Augmenter, hookimpl
from pluglm_augmenters.random_deletion import RandomDeletion
from pluglm_augmenters.random_insertion import RandomInsertion
from pluglm_augmenters.random_swap import RandomSwap


@hookimpl
def register_augmenters() -> list[type[Augmenter]]:
    return [RandomDeletion, RandomInsertion, RandomSwap]
