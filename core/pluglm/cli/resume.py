"""`pluglm resume RUN`: go on with a run that was stopped."""

from __future__ import annotations

import json
import os
from pathlib import Path

from pluglm.cli.flags import QUIET
from pluglm.errors import ConfigError, Problem
from pluglm.verbs import Arguments

FLAGS = QUIET


def run(given: Arguments) -> int:
    """Goes on with a run from its newest valid checkpoint."""
    if len(given.words) != 1:
        raise ConfigError([Problem("resume", "takes one run folder")])
    folder = Path(given.words[0]).resolve()
    from pluglm.runs.folder import read_config

    manifest = folder / "manifest.json"
    if manifest.is_file():
        # Relative paths in the config mean what they meant when the run was started.
        started_in = json.loads(manifest.read_text(encoding="utf-8"))["working_folder"]
        if Path(started_in).is_dir():
            os.chdir(started_in)
    config = read_config(folder)
    from pluglm.lifecycle.run import run as run_config
    from pluglm.sweeping.pruning import pruner

    run_config(config, folder, quiet="quiet" in given.flags, resume=True, go_on=pruner(config, folder))
    return 0
