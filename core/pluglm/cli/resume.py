"""`pluglm resume RUN`: go on with a run that was stopped."""

from __future__ import annotations

import os
import sys
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
    from pluglm.runs.in_use import check_not_in_use
    from pluglm.runs.run_data import read_json

    check_not_in_use(folder)
    # Relative paths in the config mean what they meant when the run was started.
    manifest = folder / "manifest.json"
    started_in = read_json(manifest).get("working_folder")
    if isinstance(started_in, str) and Path(started_in).is_dir():
        os.chdir(started_in)
    elif manifest.exists():
        why = f"{started_in} is gone" if isinstance(started_in, str) else f"{manifest} is damaged"
        print(f"pluglm: {why}: relative paths in the config are taken from {Path.cwd()}", file=sys.stderr)
    config = read_config(folder)
    from pluglm.lifecycle.run import run as run_config
    from pluglm.sweeping.pruning import pruner

    run_config(config, folder, quiet="quiet" in given.flags, resume=True, go_on=pruner(config, folder))
    return 0
