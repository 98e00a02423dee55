"""The Lion optimizer and a preprocessor for source code."""

from __future__ import annotations

from pluglm import Optimizer, Preprocessor, hookimpl
from pluglm_lion.lion import Lion
from pluglm_lion.strip_comments import StripComments


@hookimpl
def register_optimizers() -> list[type[Optimizer]]:
    return [Lion]


@hookimpl
def register_preprocessors() -> list[type[Preprocessor]]:
    return [StripComments]
