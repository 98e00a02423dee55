"""`pluglm train`: a whole run, or with -m a sweep of them."""

from __future__ import annotations

import os

from pluglm.cli.flags import CONFIG_DIR, QUIET, config_dir
from pluglm.errors import ConfigError, Problem
from pluglm.verbs import Arguments, Flag

FLAGS = (
    {
        "-m": Flag("run every combination: optimizer=NAME,NAME seed=0,1"),
        "--dry-run": Flag("with -m: show the members and what they will take, and stop"),
    }
    | CONFIG_DIR
    | QUIET
)


def epilog() -> str:
    """All that can be chosen and set."""
    from pluglm.cli.choices import choices_text

    return choices_text()


def run(given: Arguments) -> int:
    """Runs everything from the sources to the report. Words are family=technique and key=value."""
    folder_of_recipes = config_dir(given)
    quiet = "quiet" in given.flags
    # A recipe for a sweep is one, with or without -m.
    if "m" in given.flags or any(word.startswith("sweep=") and word != "sweep=null" for word in given.words):
        from pluglm.sweeping.sweep import sweep

        return sweep(given.words, folder_of_recipes, quiet, "dry-run" in given.flags)
    if "dry-run" in given.flags:
        raise ConfigError([Problem("--dry-run", "is for sweeps (-m)", hint="for one run: pluglm plan")])
    from pluglm.config.compose import compose

    config = compose(given.words, folder_of_recipes)
    from pluglm.lifecycle.run import run as run_config

    folder = run_config(config, quiet=quiet)
    if quiet and os.environ.get("RANK", "0") == "0":
        print(folder)
    return 0
