"""Words that begin with a run folder, checked before anything heavy is imported."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

from pluglm.config.compose import CHANGEABLE, compose_over
from pluglm.errors import ConfigError, Problem
from pluglm.runs.folder import read_config


def check_run(verb: str, words: Sequence[str]) -> None:
    """Raises:
    ConfigError: where the first word is no run folder, or the others cannot change its config for this verb.
    """
    if not words or ("=" in words[0] and not Path(words[0]).is_dir()):
        raise ConfigError([Problem(verb, "the first word must be a run folder", " ".join(words[:1]) or None)])
    compose_over(read_config(Path(words[0])), words[1:], CHANGEABLE[verb])
