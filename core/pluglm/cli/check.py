"""`pluglm check`: validate a config, without any compute."""

from __future__ import annotations

import json

from pluglm.cli.flags import CONFIG_DIR, JSON, config_dir, tell_notes
from pluglm.verbs import Arguments

FLAGS = CONFIG_DIR | JSON


def run(given: Arguments) -> int:
    """Takes the words of train, and only says whether they fit."""
    from pluglm.config.compose import compose

    config = compose(given.words, config_dir(given))
    tell_notes(config)
    if "json" in given.flags:
        print(json.dumps(config.resolved, indent=1))
        return 0
    for path, technique in config.techniques():
        print(f"{path}: {technique!r}")
    print("ok")
    return 0
