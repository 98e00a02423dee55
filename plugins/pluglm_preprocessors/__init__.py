"""What happens to every document before the split."""

from __future__ import annotations

from pluglm import Preprocessor, hookimpl
from pluglm_preprocessors.exact_dedup import ExactDedup
from pluglm_preprocessors.length import Length
from pluglm_preprocessors.lowercase import Lowercase
from pluglm_preprocessors.near_dedup import NearDedup
from pluglm_preprocessors.normalize import Normalize
from pluglm_preprocessors.remove_punctuation import RemovePunctuation
from pluglm_preprocessors.remove_stop_words import RemoveStopWords


@hookimpl
def register_preprocessors() -> list[type[Preprocessor]]:
    return [Normalize, Lowercase, RemovePunctuation, RemoveStopWords, ExactDedup, NearDedup, Length]
