"""Changed copies of training documents."""

from __future__ import annotations

from pluglm import Augmenter, hookimpl
from pluglm_augmenters.back_translation import BackTranslation
from pluglm_augmenters.generated_text import GeneratedText
from pluglm_augmenters.masked_replacement import MaskedReplacement
from pluglm_augmenters.random_deletion import RandomDeletion
from pluglm_augmenters.random_insertion import RandomInsertion
from pluglm_augmenters.random_swap import RandomSwap
from pluglm_augmenters.synonym_replacement import SynonymReplacement


@hookimpl
def register_augmenters() -> list[type[Augmenter]]:
    return [
        RandomDeletion,
        RandomInsertion,
        RandomSwap,
        SynonymReplacement,
        MaskedReplacement,
        BackTranslation,
        GeneratedText,
    ]
