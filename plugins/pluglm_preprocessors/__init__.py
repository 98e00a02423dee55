"""What happens to every document before the split."""

from __future__ import annotations

from pluglm import CorpusPreprocessor, Preprocessor, hookimpl
from pluglm_preprocessors.biased_content import BiasedContent
from pluglm_preprocessors.c4 import C4
from pluglm_preprocessors.decontaminate import Decontaminate
from pluglm_preprocessors.exact_dedup import ExactDedup
from pluglm_preprocessors.fix_encoding import FixEncoding
from pluglm_preprocessors.gopher import Gopher
from pluglm_preprocessors.harmful_content import HarmfulContent
from pluglm_preprocessors.language import Language
from pluglm_preprocessors.length import Length
from pluglm_preprocessors.lowercase import Lowercase
from pluglm_preprocessors.near_dedup import NearDedup
from pluglm_preprocessors.normalize import Normalize
from pluglm_preprocessors.personal_data import PersonalData
from pluglm_preprocessors.quality import Quality
from pluglm_preprocessors.regex import Regex
from pluglm_preprocessors.remove_punctuation import RemovePunctuation
from pluglm_preprocessors.remove_stop_words import RemoveStopWords
from pluglm_preprocessors.word_tokenize import WordTokenize


@hookimpl
def register_preprocessors() -> list[type[Preprocessor | CorpusPreprocessor]]:
    return [
        Normalize,
        FixEncoding,
        Lowercase,
        RemovePunctuation,
        RemoveStopWords,
        WordTokenize,
        Regex,
        ExactDedup,
        NearDedup,
        Length,
        Language,
        Gopher,
        C4,
        Quality,
        HarmfulContent,
        BiasedContent,
        PersonalData,
        Decontaminate,
    ]
