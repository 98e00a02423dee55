"""The Signum optimizer and a preprocessor for source code."""

from __future__ import annotations

from pluglm import Optimizer, Preprocessor, hookimpl
from pluglm_signum.signum import Signum
from pluglm_signum.strip_comments import StripComments


@hookimpl
def register_optimizers() -> list[type[Optimizer]]:
    return [Signum]


@hookimpl
def register_preprocessors() -> list[type[Preprocessor]]:
    return [StripComments]
