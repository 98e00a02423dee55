"""`pluglm plan`: what a run will take."""

from __future__ import annotations

import json
from pathlib import Path

from pluglm.cli.flags import CONFIG_DIR, JSON, parse, usage, wants_help

FLAGS = CONFIG_DIR | JSON


def run(arguments: list[str]) -> int:
    """Print the plan of a run. Nothing is prepared, unless steps are to be tried (plan.probe)."""
    if wants_help(arguments):
        about = "Takes the words of train, hardware=NAME hardware.count=N and plan.*; prepares nothing, trains nothing."
        print(usage("plan [overrides]", about, FLAGS), end="")
        return 0
    given = parse(arguments, FLAGS)
    from pluglm.config.compose import compose

    config = compose(given.words, Path(given.flags["config-dir"]) if "config-dir" in given.flags else None)
    from pluglm.planning.forecast import forecast
    from pluglm.planning.lines import long_lines
    from pluglm.progress import quiet_libraries

    quiet_libraries()
    if config.plan.probe:
        from pluglm.lifecycle.timed_plan import tried

        plan = tried(config, quiet="json" in given.flags)
    else:
        plan = forecast(config, whole=True)
    print(json.dumps(plan, indent=1) if "json" in given.flags else "\n".join(long_lines(plan)))
    return 0
