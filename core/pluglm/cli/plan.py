"""`pluglm plan`: what a run will take."""

from __future__ import annotations

import json

from pluglm.cli.flags import CONFIG_DIR, JSON, config_dir, tell_notes
from pluglm.verbs import Arguments

FLAGS = CONFIG_DIR | JSON


def run(given: Arguments) -> int:
    """Takes the words of train, hardware=NAME hardware.count=N and plan.*; prepares nothing, trains nothing."""
    from pluglm.config.compose import compose

    config = compose(given.words, config_dir(given))
    tell_notes(config)
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
